"""Queries about how a job's newest calls ended, over the whole fleet: the ledger tells."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db.call_tables import completions, ledger
from app.db.clock import NOW
from app.db.tables import job_events
from app.domain.breaker import TELLING, Ended
from app.domain.lifecycle import JobState
from app.domain.settlement import Ending

_SETTLED = "settle_"
_ENTRIES = [f"{_SETTLED}{ending}" for ending in sorted(TELLING)]
_QUOTED_BYTES = 65_536


def newest(connection: sa.Connection, job_id: UUID, limit: int) -> Sequence[Ended]:
    """The last calls that ended since the job last began to run, newest first."""
    age_s = sa.func.extract("epoch", NOW - ledger.c.at).label("age_s")
    query = _newest([ledger.c.entry, age_s], job_id, limit)
    rows = connection.execute(query).mappings()
    return [Ended(Ending(row["entry"].removeprefix(_SETTLED)), float(row["age_s"])) for row in rows]


def newest_refusals(
    connection: sa.Connection, job_id: UUID, limit: int
) -> Sequence[tuple[int | None, bytes] | None]:
    """Status and body of the last calls where they were refused, None where not, newest first."""
    body = sa.func.substr(completions.c.raw, 1, _QUOTED_BYTES)
    last = _newest(
        [ledger.c.id, ledger.c.entry, ledger.c.slot_id, ledger.c.attempt], job_id, limit
    ).cte("last")
    query = (
        sa.select(last.c.entry, completions.c.status, body)
        .join_from(
            last,
            completions,
            sa.and_(
                completions.c.slot_id == last.c.slot_id, completions.c.attempt == last.c.attempt
            ),
            isouter=True,
        )
        .order_by(last.c.id.desc())
    )
    refused = f"{_SETTLED}{Ending.REFUSED}"
    return [
        (row[1], bytes(row[2] or b"")) if row[0] == refused else None
        for row in connection.execute(query)
    ]


def _newest(columns: Sequence[sa.ColumnElement[Any]], job_id: UUID, limit: int) -> sa.Select[Any]:
    """What failed before the job was resumed is not held against it again."""
    began = (
        sa.select(sa.func.max(job_events.c.at))
        .where(job_events.c.job_id == job_id, job_events.c.to_state == JobState.RUNNING)
        .scalar_subquery()
    )
    return (
        sa.select(*columns)
        .where(ledger.c.job_id == job_id, ledger.c.entry.in_(_ENTRIES), ledger.c.at >= began)
        .order_by(ledger.c.id.desc())
        .limit(limit)
    )
