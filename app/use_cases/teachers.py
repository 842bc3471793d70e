"""Teachers: register, list, read, change, test, delete; a key goes in and never comes out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import SecretStr

from app.db import teacher_batches
from app.db import teachers as queries
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.lifecycle import Delivery
from app.domain.stored import Page, TeacherRecord
from app.errors import Conflict, InUse, InvalidInput, NotFound, Problem
from app.llm.addresses import AddressRefused
from app.llm.check import CheckReport, check_teacher
from app.llm.guard import Guard
from app.llm.teacher import Endpoint, Teacher
from app.llm.vault import origin
from app.runtime import Runtime
from app.use_cases import audit
from app.use_cases.once import Once

_MAX_PRICE = 10**12


@dataclass(frozen=True, slots=True)
class TeacherDetails:
    """What a caller says about a teacher; prices in micro-USD per million tokens."""

    name: str
    base_url: str
    model: str
    endpoint: str = Endpoint.CHAT
    api_key: SecretStr | None = None
    input_micro_usd_per_million: int | None = None
    output_micro_usd_per_million: int | None = None
    batch_input_micro_usd_per_million: int | None = None
    batch_output_micro_usd_per_million: int | None = None
    context_length: int | None = None
    max_concurrency: int = 20
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    extra_body: Mapping[str, object] = field(default_factory=dict[str, object])
    timeout_s: float = 180.0
    terms: str = ""
    simulated: bool = False


def add(runtime: Runtime, details: TeacherDetails, once: Once | None = None) -> TeacherRecord:
    """Register a teacher; raises InvalidInput, or Conflict when the name is taken."""
    check_details(runtime.guard, details)
    record = _record(runtime, new_id(), details)
    with runtime.database.transaction() as connection:
        if once and (known_id := once.made_before(connection)):
            return _get(connection, known_id)
        if queries.by_name(connection, details.name) is not None:
            raise Conflict(f"A teacher named {details.name!r} exists.", code="name_taken")
        queries.insert(connection, record)
        if once:
            once.made(connection, record.id)
        audit.note(runtime, connection, "teacher.add", record.id)
        return _get(connection, record.id)


def change(runtime: Runtime, teacher_id: UUID, changes: Mapping[str, object]) -> TeacherRecord:
    """Change some details. Another origin needs the key again: it would go to another host."""
    refused = _url_problems(changes["base_url"], runtime.guard) if "base_url" in changes else ()
    with runtime.database.transaction() as connection:
        before = queries.get(connection, teacher_id, for_update=True)
        if before is None:
            raise _unknown(teacher_id)
        details = replace(_details(before), **changes)
        _check(details, refused)
        _guard_key(before, details, "api_key" in changes)
        _guard_name(connection, before, details)
        _guard_endpoint(connection, before, details)
        _guard_batches(connection, before, details)
        after = _record(runtime, teacher_id, details)
        if "api_key" not in changes:
            after = replace(after, sealed_key=before.sealed_key, key_last4=before.key_last4)
        queries.update(connection, teacher_id, _columns(after))
        audit.note(runtime, connection, "teacher.change", teacher_id, fields=sorted(changes))
    return replace(after, created_at=before.created_at)


def get(runtime: Runtime, teacher_id: UUID) -> TeacherRecord:
    """One teacher; raises NotFound."""
    with runtime.database.transaction() as connection:
        return _get(connection, teacher_id)


def _get(connection: Connection, teacher_id: UUID) -> TeacherRecord:
    found = queries.get(connection, teacher_id)
    if found is None:
        raise _unknown(teacher_id)
    return found


def by_name(runtime: Runtime, name: str) -> TeacherRecord | None:
    """The teacher of that name, or None."""
    with runtime.database.transaction() as connection:
        return queries.by_name(connection, name)


def page(runtime: Runtime, *, cursor: str | None = None, limit: int = 50) -> Page[TeacherRecord]:
    """Teachers, newest first."""
    with runtime.database.transaction() as connection:
        return queries.page(connection, cursor=cursor, limit=limit)


def check(runtime: Runtime, teacher_id: UUID) -> CheckReport:
    """Ask the teacher one tiny question; raises TeacherFailure with the stage that failed."""
    return check_teacher(to_llm(runtime, get(runtime, teacher_id)), runtime.guard)


def delete(runtime: Runtime, teacher_id: UUID) -> None:
    """Remove a teacher that no job uses; raises NotFound or InUse."""
    with runtime.database.transaction() as connection:
        users = queries.users(connection, teacher_id)
        if users:
            names = ", ".join(str(each) for each in users)
            raise InUse(f"Jobs use this teacher: {names}. Delete them first.")
        if not queries.delete(connection, teacher_id):
            raise _unknown(teacher_id)
        audit.note(runtime, connection, "teacher.delete", teacher_id)


def to_llm(runtime: Runtime, record: TeacherRecord, delivery: Delivery = Delivery.CALLS) -> Teacher:
    """The teacher as the door wants it, with its key opened and the prices of that delivery."""
    record = record.priced_for(delivery)
    key = None
    if record.sealed_key is not None:
        key = SecretStr(runtime.vault.open(record.sealed_key, record.id, record.base_url))
    return Teacher(
        id=str(record.id),
        base_url=record.base_url,
        model=record.model,
        endpoint=Endpoint(record.endpoint),
        api_key=key,
        input_micro_usd_per_million=record.input_micro_usd_per_million,
        output_micro_usd_per_million=record.output_micro_usd_per_million,
        context_length=record.context_length,
        max_concurrency=record.max_concurrency,
        requests_per_minute=record.requests_per_minute,
        tokens_per_minute=record.tokens_per_minute,
        extra_body=record.extra_body,
        timeout_s=record.timeout_s,
    )


def _unknown(teacher_id: UUID) -> NotFound:
    return NotFound(f"There is no teacher {teacher_id}.")


def _record(runtime: Runtime, teacher_id: UUID, details: TeacherDetails) -> TeacherRecord:
    key = details.api_key.get_secret_value() if details.api_key else None
    return TeacherRecord(
        id=teacher_id,
        name=details.name,
        base_url=details.base_url.rstrip("/"),
        model=details.model,
        endpoint=details.endpoint,
        key_last4=key[-4:] if key and len(key) >= 12 else None,
        input_micro_usd_per_million=details.input_micro_usd_per_million,
        output_micro_usd_per_million=details.output_micro_usd_per_million,
        batch_input_micro_usd_per_million=details.batch_input_micro_usd_per_million,
        batch_output_micro_usd_per_million=details.batch_output_micro_usd_per_million,
        context_length=details.context_length,
        max_concurrency=details.max_concurrency,
        requests_per_minute=details.requests_per_minute,
        tokens_per_minute=details.tokens_per_minute,
        extra_body=details.extra_body,
        timeout_s=details.timeout_s,
        terms=details.terms,
        simulated=details.simulated,
        created_at=datetime.now(UTC),
        sealed_key=runtime.vault.seal(key, teacher_id, details.base_url) if key else None,
    )


def _details(record: TeacherRecord) -> TeacherDetails:
    shared = [name for name in TeacherDetails.__slots__ if name != "api_key"]
    return TeacherDetails(**{name: getattr(record, name) for name in shared})


def _columns(record: TeacherRecord) -> Mapping[str, object]:
    fixed = {"id", "created_at"}
    return {name: getattr(record, name) for name in TeacherRecord.__slots__ if name not in fixed}


def _guard_key(before: TeacherRecord, after: TeacherDetails, key_given: bool) -> None:
    if before.sealed_key is None or key_given or origin(before.base_url) == origin(after.base_url):
        return
    raise Conflict(
        "The new base_url is another host, and the stored key is not sent there. "
        "Give api_key in the same request (null removes the stored one).",
        code="key_reentry_required",
    )


def _guard_name(connection: Connection, before: TeacherRecord, after: TeacherDetails) -> None:
    if after.name != before.name and queries.by_name(connection, after.name) is not None:
        raise Conflict(f"A teacher named {after.name!r} exists.", code="name_taken")


def _guard_endpoint(connection: Connection, before: TeacherRecord, after: TeacherDetails) -> None:
    """What writes texts for a job cannot become what makes vectors or scores, nor they that."""
    apart = (Endpoint.EMBEDDINGS, Endpoint.SCORE)
    kinds = {each if each in apart else "" for each in (before.endpoint, after.endpoint)}
    if len(kinds) > 1 and queries.users(connection, before.id, limit=1):
        raise InUse("Jobs use this teacher as it is; register another one for the other endpoint.")


def _guard_batches(connection: Connection, before: TeacherRecord, after: TeacherDetails) -> None:
    """Batches live where they were created; nobody would find them at another address."""
    moved = before.base_url != after.base_url.rstrip("/")
    if moved and teacher_batches.count_live(connection, teacher_id=before.id):
        raise InUse(
            "Batches of this teacher are under way at the present base_url. "
            "Wait until they are collected, or cancel their jobs."
        )


def check_details(guard: Guard, details: TeacherDetails) -> None:
    """Raise InvalidInput with everything that is wrong with a description."""
    _check(details, _url_problems(details.base_url, guard))


def _check(details: TeacherDetails, of_url: Sequence[Problem]) -> None:
    problems = [
        *_text_problems(details),
        *of_url,
        *_key_problems(details.api_key),
        *_number_problems(details),
    ]
    if problems:
        raise InvalidInput("The teacher cannot be used as described.", problems=problems)


def _text_problems(details: TeacherDetails) -> Iterator[Problem]:
    for name in ("name", "model"):
        text: str = getattr(details, name)
        if not text.strip():
            yield Problem(f"/{name}", "blank", "must not be blank")
        if len(text) > 200 or not text.isprintable():
            yield Problem(f"/{name}", "too_long", "at most 200 printable characters")
    if details.endpoint not in set(Endpoint):
        yield Problem("/endpoint", "wrong_type", f"must be one of {', '.join(Endpoint)}")


def _url_problems(base_url: Any, guard: Guard) -> Sequence[Problem]:
    """What is wrong with an address: its form, or else where it leads."""
    found = list(_malformed(base_url))
    if not found:
        try:
            guard.look(base_url)
        except AddressRefused as error:
            found.append(_refused(str(error)))
    return found


def _refused(rule: str) -> Problem:
    return Problem("/base_url", "provider_url_refused", rule)


def _malformed(base_url: str) -> Iterator[Problem]:
    try:
        parts = urlsplit(base_url)
        port_fits = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        yield _refused("must be a URL such as https://api.openai.com/v1")
        return
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_fits:
        yield _refused("must be an http or https URL with a host")
    if parts.username is not None or parts.password is not None:
        yield _refused("must not hold a user name or password; give the key as api_key")
    if parts.query or parts.fragment:
        yield _refused("must not have a query or a fragment")
    if len(base_url) > 2000 or re.search(r"[\s\x00-\x1f]", base_url):
        yield _refused("must be at most 2,000 characters without white space")


def _key_problems(api_key: SecretStr | None) -> Iterator[Problem]:
    if api_key is None:
        return
    key = api_key.get_secret_value()
    if (
        not key
        or key.lower().startswith("bearer ")
        or not key.isascii()
        or re.search(r"[^!-~]", key)
    ):
        yield Problem(
            "/api_key", "key_format", "must be the bare key: printable ASCII, no spaces, no Bearer"
        )


def _number_problems(details: TeacherDetails) -> Iterator[Problem]:
    limits: Mapping[str, tuple[float, float]] = {
        "input_micro_usd_per_million": (0, _MAX_PRICE),
        "output_micro_usd_per_million": (0, _MAX_PRICE),
        "batch_input_micro_usd_per_million": (0, _MAX_PRICE),
        "batch_output_micro_usd_per_million": (0, _MAX_PRICE),
        "context_length": (1, 10**8),
        "max_concurrency": (1, 10_000),
        "requests_per_minute": (1, 10**7),
        "tokens_per_minute": (1, 2 * 10**9),
        "timeout_s": (1, 600),
    }
    for name, (low, high) in limits.items():
        value: float | None = getattr(details, name)
        if value is not None and not low <= value <= high:
            yield Problem(f"/{name}", "out_of_range", f"must be from {low:,} to {high:,}")
