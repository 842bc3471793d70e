"""Rows 5 and 20 of the security table: whoever can write to Redis can wake, and nothing else."""

import base64
import json
import pickle
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis

from app.embedded import programs
from app.runtime import Runtime
from tests.api.world import row_counts
from tests.driving import running_runtime
from tests.end_to_end.fleet import Fleet

pytestmark = pytest.mark.slow
QUEUES = ("generate", "admit", "export")
PREFIX = "cultivar:"


class Planted:
    """What makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def message(
    queue: str, task: str, body: bytes, kind: str = "application/json", **headers: Any
) -> bytes:
    """A message as kombu lays it into a list of Redis."""
    properties = {
        "correlation_id": str(uuid4()),
        "delivery_mode": 2,
        "delivery_info": {"exchange": "", "routing_key": queue},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": str(uuid4()),
    }
    told = {"lang": "py", "task": task, "id": str(uuid4()), "root_id": None, **headers}
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "binary" if "serialize" in kind else "utf-8",
            "content-type": kind,
            "headers": told,
            "properties": properties,
        }
    ).encode()


def called(arguments: list[Any], **embedded: Any) -> bytes:
    """A task's arguments, and what shall follow it."""
    nothing = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    return json.dumps([arguments, {}, nothing | embedded]).encode()


def forged(queue: str, planted: Path) -> list[bytes]:
    """Messages that somebody wrote who is not us."""
    own = f"cultivar.{queue}"
    again = {"task": own, "args": [str(uuid4())], "options": {"queue": queue}, "kwargs": {}}
    nested: Any = again
    for _ in range(50):
        nested = {**again, "options": {"queue": queue, "link": [nested]}}
    touch = {"task": "pathlib.Path.touch", "args": [str(planted)], "kwargs": {}, "options": {}}
    packed = pickle.dumps([[Planted(planted)], {}, {}])
    kinds = ("application/x-python-serialize", "application/x-yaml", "pickle")
    return [
        message(queue, own, called([str(uuid4())])),
        message(queue, own, called(["x" * (1 << 20)])),
        message(queue, own, called(["../../etc/passwd"])),
        message(queue, own, called([{"job": "x"}])),
        message(queue, own, called([None])),
        message(queue, own, called([])),
        message(queue, own, called([str(uuid4())] * 5)),
        message(queue, own, called([str(uuid4())], callbacks=[nested], errbacks=[touch])),
        message(queue, own, called([str(uuid4())], chain=[again, touch])),
        message(queue, "pathlib.Path.touch", called([str(planted)])),
        message(queue, "os.system", called([f"touch {planted}"])),
        message(queue, "celery.map", called([again, [[str(planted)]]])),
        message(queue, "celery.chord_unlock", called([str(uuid4()), touch])),
        message(queue, own, b"[" * 100_000),
        message(queue, own, b"not JSON"),
        message(queue, own, b'[["\xff"], {}, {}]'),
        message(queue, own, called([str(uuid4())]), eta="9999-12-31T00:00:00"),
        message(queue, own, called([str(uuid4())]), eta="never", expires="never"),
        *(message(queue, own, packed, kind) for kind in kinds),
    ]


def wait_until(what: Any, within_s: float = 30.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def without_signs_of_life(runtime: Runtime) -> dict[str, int]:
    """Rows by table, but for what workers say of themselves."""
    told = {"workers", "sweeps", "samples", "job_samples", "claimants"}
    return {name: count for name, count in row_counts(runtime).items() if name not in told}


def test_forged_messages_have_no_effect(database_url: str, redis_url: str, tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    with (
        running_runtime(database_url, tmp_path / "home") as runtime,
        redis.Redis.from_url(redis_url) as broker,
        Fleet(database_url, redis_url, tmp_path / "home") as fleet,
    ):
        before = without_signs_of_life(runtime)
        for queue in QUEUES:
            broker.lpush(f"{PREFIX}{queue}", *forged(queue, planted))
        fleet.start(programs.worker("all", QUEUES))
        wait_until(lambda: not any(broker.llen(f"{PREFIX}{queue}") for queue in QUEUES))
        broker.lpush(f"{PREFIX}generate", message("generate", "cultivar.generate", called([7])))
        wait_until(lambda: fleet.log("all").count("wake_refused") >= 4 * len(QUEUES) + 1)
        assert fleet.processes["all"].poll() is None
        assert without_signs_of_life(runtime) == before
        assert not planted.exists()
        assert "x" * 2_000 not in fleet.log("all")
