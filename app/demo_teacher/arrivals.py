"""The teacher's own count of what reached it: the independent bill, and statistics."""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson

from app.demo_teacher.plans import Plan


class JsonLines:
    """A file that gets one JSON line per `write`, each appended whole at once."""

    def __init__(self, path: Path | None) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._descriptor = None if path is None else os.open(path, flags, 0o644)

    def write(self, line: dict[str, Any]) -> None:
        """Append one line; nothing happens where no file was named."""
        if self._descriptor is not None:
            os.write(self._descriptor, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


@dataclass
class Statistics:
    """What `GET /stats` tells since the start or the last `POST /reset`; times are Unix seconds."""

    calls: int = 0
    by_step: Counter[str] = field(default_factory=Counter[str])
    outcomes: Counter[str] = field(default_factory=Counter[str])
    distinct_prompts: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    first_request_at: float | None = None
    last_reply_at: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    status_429: int = 0

    def emptied(self) -> Self:
        """New statistics that know of nothing but the calls still in flight."""
        return type(self)(in_flight=self.in_flight, max_in_flight=self.in_flight)

    def arrive(self) -> None:
        """A call came in."""
        self.calls += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        if self.first_request_at is None:
            self.first_request_at = time.time()

    def decide(self, step: str, outcome: str, status: int) -> None:
        """It is known what the call gets."""
        self.by_step[step] += 1
        self.outcomes[outcome] += 1
        self.status_429 += status == 429

    def leave(self) -> None:
        """The call's reply is out, or its client is gone."""
        self.in_flight -= 1
        self.last_reply_at = time.time()

    def as_json(self) -> dict[str, Any]:
        """The JSON object of `GET /stats`."""
        fields = dict(vars(self))
        fields["by_step"], fields["outcomes"] = dict(self.by_step), dict(self.outcomes)
        return fields


@dataclass
class Arrival:
    """One call as it is being decided; what is known of it goes into the log."""

    number: int
    path: str
    headers: Mapping[bytes, bytes]
    batch: str | None = None
    step: str = ""
    digest: bytes = b""
    attempt: int = 0

    def as_json(self, plan: Plan) -> dict[str, Any]:
        """The line of the arrival log."""
        key = self.headers.get(b"authorization")
        return {
            "time": time.time(),
            "number": self.number,
            "path": self.path,
            "step": self.step,
            "digest": self.digest.hex(),
            "attempt": self.attempt,
            "outcome": plan.outcome,
            "status": plan.status,
            "wait_s": plan.wait_s,
            "request_id": header_text(self.headers.get(b"x-request-id")),
            "idempotency_key": header_text(self.headers.get(b"idempotency-key")),
            "key": key and hashlib.sha256(key).hexdigest()[:8],
            "retry_after": header_text(dict(plan.headers).get(b"retry-after")),
            "batch": self.batch,
        }


def header_text(value: bytes | None) -> str | None:
    """A header's value as text, whatever its bytes."""
    return None if value is None else value.decode("utf-8", "replace")
