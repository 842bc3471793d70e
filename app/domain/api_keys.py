"""API keys as values: what is known of one, and how its text is taken apart."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

SECRET_BYTES = 32
MARK = "cvr"
LOCAL_MARK = "cvr_local_"
_KEY = re.compile(r"cvr_([a-z0-9]{12})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret; `prefix` is its public part, as in `cvr_PREFIX_...`.

    `revoked_at` may lie ahead: a key that was rotated goes on until then.
    """

    id: UUID
    prefix: str
    name: str
    scopes: list[str]
    requests_per_minute: int | None
    jobs_per_day: int | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyPrint:
    """What a presented key is held against; `good` is false once it is revoked or expired."""

    key: ApiKey
    digest: bytes
    good: bool


def prefix_of(presented: str) -> str | None:
    """The public part of what may be an API key; None when it has not the form of one."""
    found = _KEY.fullmatch(presented)
    return None if found is None else found[1]


def key_text(prefix: str, secret: str) -> str:
    """A whole key, as it is shown once."""
    return f"{MARK}_{prefix}_{secret}"
