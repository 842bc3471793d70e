"""The audit log: who did what, written in the transaction that does it, and checked as a chain."""

from collections.abc import Mapping

import structlog

from app.db import audit as queries
from app.db.engine import Connection
from app.domain.access import Actor
from app.domain.audit import AuditEntry, AuditLink, AuditVerdict, verified
from app.domain.stored import Page
from app.errors import CultivarError, InvalidInput, Problem, RateLimited
from app.runtime import Runtime

_DAY_S = 24 * 3600.0
_LONGEST = 200
JOB_SUBMIT = "job.submit"
_log = structlog.get_logger(__name__)


def note(
    runtime: Runtime, connection: Connection, action: str, subject: object, **facts: object
) -> None:
    """Write down what the runtime's actor does; the last statement of its transaction.

    `facts` are ids and numbers, never a secret and never a text of the data. From here to its end
    the transaction holds the end of the chain, so it must lock nothing more. Raises RateLimited
    when the actor's key has used up its jobs of the day.
    """
    _check_quota(connection, runtime.actor, action)
    _append(connection, runtime.actor, action, str(subject), "done", facts)


def note_refusal(runtime: Runtime, action: str, subject: str, **facts: object) -> None:
    """Write down what was refused, where that is possible: a refusal stands without its note."""
    try:
        with runtime.database.transaction() as connection:
            _append(connection, runtime.actor, action, subject, "refused", facts)
    except CultivarError as error:
        _log.warning("refusal_not_audited", action=action, code=error.code)


def page(
    runtime: Runtime,
    *,
    action: str | None = None,
    actor: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[AuditEntry]:
    """Entries, newest first; of one action or of one actor, if asked.

    Raises InvalidInput for a word that no entry can hold, which Postgres could not even be asked.
    """
    wanted = {"action": action, "actor": actor}
    problems = [
        Problem(f"/{name}", "control_character", "must be printable text")
        for name, value in wanted.items()
        if value and not value.isprintable()
    ]
    if problems:
        raise InvalidInput("The log cannot be searched for this.", problems=problems)
    filters = {name: value for name, value in wanted.items() if value}
    with runtime.database.transaction() as connection:
        return queries.page(connection, filters, cursor=cursor, limit=limit)


def verify(runtime: Runtime, known: AuditLink | None = None) -> AuditVerdict:
    """Check the whole chain; `known` is a head that was noted earlier."""
    with runtime.database.transaction() as connection:
        return verified(queries.walk(connection), known)


def _append(
    connection: Connection,
    actor: Actor,
    action: str,
    subject: str,
    outcome: str,
    facts: Mapping[str, object],
) -> None:
    before, now = queries.last_link(connection)
    entry = AuditEntry(
        number=before.number + 1,
        at=now,
        actor_kind=str(actor.kind),
        actor=_shown(actor.name),
        key_id=actor.key_id,
        address=_shown(actor.address),
        action=action,
        subject=_shown(subject),
        outcome=outcome,
        facts=facts,
        previous=before.hash,
        hash=b"",
    )
    queries.insert(connection, entry.sealed())


def _check_quota(connection: Connection, actor: Actor, action: str) -> None:
    if action != JOB_SUBMIT or actor.key_id is None or actor.jobs_per_day is None:
        return
    queries.last_link(connection)  # nobody else submits until we are counted
    if queries.count_of_day(connection, actor.key_id, action) >= actor.jobs_per_day:
        detail = f"This key may submit {actor.jobs_per_day:,} jobs in 24 hours, and has."
        raise RateLimited(detail, retry_after_s=_DAY_S / max(1, actor.jobs_per_day))


def _shown(text: str) -> str:
    """What came from outside as a line that can be stored and shown."""
    return "".join(each if each.isprintable() else "?" for each in text[:_LONGEST])
