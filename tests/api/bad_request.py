"""One bad request: what is sent, and the status and code that must come back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSONL = {"content-type": "application/x-ndjson"}
JSON = {"content-type": "application/json"}
GOOD = b'{"instruction": "Name a river."}\n'


@dataclass(frozen=True)
class Bad:
    """One bad request; `{names}` in path and body are filled from the world of the test.

    `code` is the report's, `inner` the code of its first error, `says` words of the answer.
    """

    id: str
    status: int
    code: str
    method: str = "GET"
    path: str = "/v1/jobs"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    inner: str | None = None
    says: tuple[str, ...] = ()


def upload(
    id: str, body: bytes, status: int = 422, code: str = "invalid_upload", **more: Any
) -> Bad:
    """A bad file."""
    path = f"/v1/seed-sets?name=bad{more.pop('query', '')}"
    headers = more.pop("headers", JSONL)
    return Bad(id, status, code, "POST", path, body, headers, **more)


def bad_line(id: str, line: bytes, inner: str, **more: Any) -> Bad:
    """A file whose second line is bad."""
    return upload(id, GOOD + line + b"\n", inner=inner, **more)


def sent(id: str, path: str, body: object, status: int, code: str, **more: Any) -> Bad:
    """A bad JSON body, given as a value or as bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    method = more.pop("method", "POST")
    headers = more.pop("headers", JSON)
    return Bad(id, status, code, method, path, raw, headers, **more)


def job(id: str, changed: Mapping[str, object], code: str, **more: Any) -> Bad:
    """A job that is good but for what is changed (None leaves it out)."""
    body: dict[str, object] = {
        "seed_set_id": "{seed_set}",
        "teacher_id": "{teacher}",
        "target_rows": 5,
    }
    body |= changed
    kept = {name: value for name, value in body.items() if value is not None}
    return sent(id, "/v1/jobs", kept, 422, code, **more)


def teacher(id: str, changed: Mapping[str, object], code: str, **more: Any) -> Bad:
    """A teacher that is good but for what is changed."""
    body = {"name": "new", "base_url": "https://teacher.example/v1", "model": "m"}
    return sent(id, "/v1/teachers", {**body, **changed}, 422, code, **more)
