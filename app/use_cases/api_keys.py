"""API keys: made, listed, rotated and revoked; a key is shown once and only its digest is kept."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.db import api_keys as queries
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.access import Scope
from app.domain.api_keys import SECRET_BYTES, ApiKey, key_text
from app.domain.stored import Page
from app.errors import Conflict, InvalidInput, NotFound, Problem
from app.runtime import Runtime
from app.use_cases import audit
from app.use_cases.once import Once

_DAY_S = 24 * 3600.0
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_PREFIX_CHARACTERS = 12
_MAX_DAYS = 3650
_MAX_NUMBER = 10**7
MAX_OVERLAP_S = 30 * _DAY_S


@dataclass(frozen=True, slots=True)
class KeyDetails:
    """A key to make; `expires_in_days` None: it does not expire."""

    name: str
    scopes: Sequence[str]
    expires_in_days: float | None = None
    requests_per_minute: int | None = None
    jobs_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key and its text, which exists nowhere else; empty when the request was a repetition."""

    key: ApiKey
    text: str


def create(runtime: Runtime, details: KeyDetails, once: Once | None = None) -> MadeKey:
    """Make a key; raises InvalidInput with every problem."""
    problems = list(_problems(details))
    if problems:
        raise InvalidInput("The key cannot be made as described.", problems=problems)
    with runtime.database.transaction() as connection:
        if once and (known_id := once.made_before(connection)):
            return MadeKey(_get(connection, known_id), "")
        made = _insert(runtime, connection, details)
        if once:
            once.made(connection, made.key.id)
        audit.note(runtime, connection, "key.create", made.key.prefix, **_facts(made.key))
    return made


def rotate(runtime: Runtime, key_id: UUID, *, overlap_s: float = _DAY_S) -> MadeKey:
    """A new key in place of one that goes on for `overlap_s`; raises NotFound or Conflict.

    The new one has the scopes, rates and the expiry, from now, that the old one had from its start.
    """
    if not 0 <= overlap_s <= MAX_OVERLAP_S:
        problem = Problem("/overlap_s", "out_of_range", f"must be from 0 to {MAX_OVERLAP_S:,.0f}")
        raise InvalidInput("The key cannot be rotated so.", problems=[problem])
    with runtime.database.transaction() as connection:
        old = _get(connection, key_id, lock=True)
        if old.revoked_at is not None:
            raise Conflict("The key was revoked or rotated already; make a new one.")
        made = _insert(runtime, connection, _details_of(old))
        queries.end(connection, key_id, in_s=overlap_s)
        facts = {"replaced_by": made.key.prefix, "overlap_s": int(overlap_s)}
        audit.note(runtime, connection, "key.rotate", old.prefix, **facts)
    return made


def revoke(runtime: Runtime, key_id: UUID) -> ApiKey:
    """End a key, on every process within seconds; again changes nothing. Raises NotFound."""
    with runtime.database.transaction() as connection:
        _get(connection, key_id, lock=True)
        queries.end(connection, key_id)
        key = _get(connection, key_id)
        audit.note(runtime, connection, "key.revoke", key.prefix)
    return key


def page(runtime: Runtime, *, cursor: str | None = None, limit: int = 50) -> Page[ApiKey]:
    """Keys, newest first, those that have ended included."""
    with runtime.database.transaction() as connection:
        return queries.page(connection, cursor=cursor, limit=limit)


def get(runtime: Runtime, key_id: UUID) -> ApiKey:
    """One key; raises NotFound."""
    with runtime.database.transaction() as connection:
        return _get(connection, key_id)


def id_of(runtime: Runtime, given: str) -> UUID:
    """The id of a key called by its id or its public part; raises NotFound."""
    try:
        return UUID(given)
    except ValueError:
        pass
    with runtime.database.transaction() as connection:
        found = queries.by_prefix(connection, given.removeprefix("cvr_"))
    if found is None:
        raise NotFound(f"There is no key {given[:40]!r}.")
    return found.id


def first_key(runtime: Runtime) -> MadeKey | None:
    """A key for everything, where there is none that could make others; else None."""
    with runtime.database.transaction() as connection:
        if queries.any_good(connection, Scope.ADMIN):
            return None
    return create(runtime, KeyDetails("first", [Scope.ADMIN]))


def _insert(runtime: Runtime, connection: Connection, details: KeyDetails) -> MadeKey:
    prefix = "".join(secrets.choice(_LETTERS) for _ in range(_PREFIX_CHARACTERS))
    text = key_text(prefix, secrets.token_urlsafe(SECRET_BYTES))
    values: dict[str, object] = {
        "id": new_id(),
        "prefix": prefix,
        "name": details.name,
        "digest": runtime.vault.digest(text),
        "scopes": sorted(set(map(str, details.scopes))),
        "requests_per_minute": details.requests_per_minute,
        "jobs_per_day": details.jobs_per_day,
        "created_by": runtime.actor.name or str(runtime.actor.kind),
    }
    days = details.expires_in_days
    queries.insert(connection, values, None if days is None else days * _DAY_S)
    key = queries.by_prefix(connection, prefix)
    assert key is not None  # noqa: S101 - stored just now, in this transaction
    return MadeKey(key, text)


def _get(connection: Connection, key_id: UUID, *, lock: bool = False) -> ApiKey:
    found = queries.get(connection, key_id, lock=lock)
    if found is None:
        raise NotFound(f"There is no key {key_id}.")
    return found


def _details_of(key: ApiKey) -> KeyDetails:
    lived = None if key.expires_at is None else key.expires_at - key.created_at
    return KeyDetails(
        name=key.name,
        scopes=key.scopes,
        expires_in_days=None if lived is None else lived.total_seconds() / _DAY_S,
        requests_per_minute=key.requests_per_minute,
        jobs_per_day=key.jobs_per_day,
    )


def _facts(key: ApiKey) -> dict[str, object]:
    expires = None if key.expires_at is None else key.expires_at.isoformat()
    return {"scopes": list(key.scopes), "expires_at": expires}


def _problems(details: KeyDetails) -> Iterator[Problem]:
    if not details.name.strip():
        yield Problem("/name", "blank", "must say whose or what for it is")
    elif len(details.name) > 200 or not details.name.isprintable():
        yield Problem("/name", "too_long", "at most 200 printable characters")
    known = ", ".join(Scope)
    if not details.scopes:
        yield Problem("/scopes", "missing_field", f"must be one or more of {known}")
    for each in details.scopes:
        if each not in set(Scope):
            yield Problem("/scopes", "wrong_type", f"{each[:40]!r} is none of {known}")
    days = details.expires_in_days
    if days is not None and not 0 < days <= _MAX_DAYS:
        detail = f"must be more than 0 and at most {_MAX_DAYS:,}"
        yield Problem("/expires_in_days", "out_of_range", detail)
    for name in ("requests_per_minute", "jobs_per_day"):
        value = getattr(details, name)
        if value is not None and not 1 <= value <= _MAX_NUMBER:
            yield Problem(f"/{name}", "out_of_range", f"must be from 1 to {_MAX_NUMBER:,}")
