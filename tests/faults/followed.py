"""A job that is followed while faults strike, and what is found of it afterwards."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa

from app.errors import Unavailable
from app.runtime import Runtime
from tests import paid_replies
from tests.demo_teacher_process import RunningTeacher
from tests.end_to_end.fleet import Client
from tests.faults.bill import Bill, read_bill
from tests.faults.crew import Crew

STANDS = {"succeeded", "failed", "cancelled", "paused"}
LOOK_EVERY_S = 0.05
STUCK_S = 20.0
DITHER_S = 0.8  # else every fault would strike just after calls were sent
_ACCEPTED = "SELECT count(*) FROM rows WHERE job_id = :job AND state = 'accepted'"


@dataclass
class Followed:
    """One job: asks how it goes as a user would, and looks into Postgres as only a test may."""

    client: Client
    runtime: Runtime
    crew: Crew
    teacher: RunningTeacher
    log: Path
    id: str
    body: Mapping[str, Any]
    seen: dict[UUID, str] = field(default_factory=dict[UUID, str])

    def status(self) -> Mapping[str, Any] | None:
        """How the service says it stands; None where it says that it cannot tell at present."""
        try:
            answer = self.client.ask("GET", f"/v1/jobs/{self.id}")
        except httpx.TransportError:
            return None
        if answer.status_code != 200:
            assert answer.status_code == 503, answer.text
            return None
        calls = answer.json()["calls"]
        parts = calls["accepted"] + calls["rejected"] + calls["failed"] + calls["pending"]
        assert parts == calls["issued"], calls
        return answer.json()

    def stands(self) -> bool:
        """Whether it has ended or is paused."""
        status = self.status()
        return status is not None and status["state"] in STANDS

    def bill(self) -> Bill:
        """What the teacher says so far."""
        return read_bill(self.log)

    def do(self, action: str, **body: Any) -> Mapping[str, Any]:
        """Pause, resume, cancel or retry it."""
        return self.client.call("POST", f"/v1/jobs/{self.id}/{action}", json=body or None)

    def strikes(self, times: int, *, every_calls: int, seed: int = 0) -> Iterator[int]:
        """Come back up to `times` times while the job runs: each time that about `every_calls`
        further calls have reached the teacher, or that none has for long."""
        rng = random.Random(seed)
        for number in range(times):
            until = len(self.bill().arrivals) + rng.randint(1, 2 * every_calls)
            if not self.wait_for_calls(until):
                return
            time.sleep(rng.uniform(0, DITHER_S))
            self.look()
            yield number

    def wait_for_calls(self, count: int) -> bool:
        """Wait until so many calls have reached the teacher; False when the job stands before."""
        stuck_at_s = time.monotonic() + STUCK_S
        arrived = -1
        while len(self.bill().arrivals) < count:
            if self.stands():
                return False
            if arrived != (arrived := len(self.bill().arrivals)):
                stuck_at_s = time.monotonic() + STUCK_S
            if time.monotonic() > stuck_at_s:
                return True
            time.sleep(LOOK_EVERY_S)
        return not self.stands()

    def wait(self, timeout_s: float = 240.0) -> Mapping[str, Any]:
        """Follow it until it stands; returns its status then."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            status = self.status()
            if status is not None and status["state"] in STANDS:
                return status
            self.look()
            time.sleep(4 * LOOK_EVERY_S)
        raise AssertionError((self.status(), self.crew.log("other")[-3000:]))

    def wait_until(self, come: Callable[[], bool], timeout_s: float = 240.0) -> None:
        """Wait until something has come about."""
        deadline_s = time.monotonic() + timeout_s
        while not come():
            assert time.monotonic() < deadline_s, self.status()
            time.sleep(LOOK_EVERY_S)

    def finish(self, further_rows: int) -> Mapping[str, Any]:
        """Let it make so many more rows and no more; it must reach that."""
        rows = self.number(_ACCEPTED) + further_rows
        self.client.call("PATCH", f"/v1/jobs/{self.id}", json={"target_rows": rows})
        status = self.wait()
        assert (status["state"], status["reason"]) == ("succeeded", "target_reached"), status
        assert status["rows"]["accepted"] >= rows
        return status

    def wait_for_state(self, state: str, timeout_s: float = 60.0) -> None:
        """Wait until it is in this state."""
        deadline_s = time.monotonic() + timeout_s
        while (status := self.status()) is None or status["state"] != state:
            assert time.monotonic() < deadline_s, status
            time.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Remember the accepted rows of now: each must be there, unchanged, at the end."""
        with suppress(Unavailable):
            for row_id, text in self.accepted().items():
                self.seen.setdefault(row_id, text)

    def accepted(self) -> dict[UUID, str]:
        """The accepted rows, each as one text."""
        texts = "instruction || chr(31) || input || chr(31) || output"
        query = f"SELECT id, {texts} FROM rows WHERE job_id = :job AND state = 'accepted'"  # noqa: S608
        return {row[0]: row[1] for row in self.query(query)}

    def query(self, text: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query in which :job is this job; raises Unavailable while Postgres is away."""
        with self.runtime.database.transaction() as connection:
            found = connection.execute(sa.text(text), {"job": self.id, **values})
            return [tuple(row) for row in found]

    def number(self, text: str, **values: Any) -> Any:
        """The one value of a query."""
        return self.query(text, **values)[0][0]

    def held_by(self, process: int) -> int:
        """Calls that a worker process has claimed and not given back."""
        return self.number(
            "SELECT count(*) FROM slots JOIN workers ON workers.id = slots.worker_id "
            "WHERE job_id = :job AND state = 'in_flight' AND process = :process",
            process=process,
        )

    def check_bill(self) -> None:
        """The teacher's bill against what the ledger says of this job."""
        bill = self.bill()
        assert bill.sent_twice() == []
        paid_replies.check_bill(
            self.runtime, self.id, {(each.slot, each.attempt): each.paid for each in bill.arrivals}
        )
