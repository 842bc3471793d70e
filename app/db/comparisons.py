"""Queries about comparisons and their judgements; a worker sends only what is its own to send."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db import leases
from app.db.comparison_tables import comparisons, judgements
from app.db.paging import newest_first
from app.db.tables import training_runs
from app.db.together import ask
from app.domain.comparison import ComparisonRecord
from app.domain.lifecycle import OPEN_TRAINING_STATES, TrainingState
from app.domain.stored import Page

_columns = [comparisons.c[name] for name in ComparisonRecord.__slots__]


def _record(values: Mapping[str, Any]) -> ComparisonRecord:
    return ComparisonRecord(**{**values, "state": TrainingState(values["state"])})


def hold_run(connection: sa.Connection, run_id: UUID) -> None:
    """Let nobody else begin a comparison of the run until the transaction ends."""
    query = sa.select(training_runs.c.id).where(training_runs.c.id == run_id).with_for_update()
    connection.execute(query)


def open_of(connection: sa.Connection, run_id: UUID) -> UUID | None:
    """The comparison of a run that is not over, or None."""
    query = sa.select(comparisons.c.id).where(
        comparisons.c.run_id == run_id, comparisons.c.state.in_(OPEN_TRAINING_STATES)
    )
    return connection.execute(query).scalar()


def insert(connection: sa.Connection, values: Mapping[str, object]) -> None:
    """Store a queued comparison."""
    connection.execute(comparisons.insert().values(**values))


def get(connection: sa.Connection, comparison_id: UUID) -> ComparisonRecord | None:
    """One comparison, or None."""
    query = sa.select(*_columns).where(comparisons.c.id == comparison_id)
    row = connection.execute(query).first()
    return _record(row._asdict()) if row else None


def pairs(connection: sa.Connection, comparison_id: UUID) -> list[Mapping[str, str]]:
    """The prompts with both answers."""
    query = sa.select(comparisons.c.pairs).where(comparisons.c.id == comparison_id)
    return connection.execute(query).scalar_one()


def page(
    connection: sa.Connection, run_id: UUID | None, *, cursor: str | None, limit: int
) -> Page[ComparisonRecord]:
    """Comparisons, or those of one run, newest first."""
    query = sa.select(*_columns)
    if run_id is not None:
        query = query.where(comparisons.c.run_id == run_id)
    asked = newest_first(
        query, comparisons.c.id, _record, kind="comparisons", cursor=cursor, limit=limit
    )
    return ask(connection, asked)


def claim(connection: sa.Connection, comparison_id: UUID, *, lease_s: float) -> int | None:
    """Take a queued comparison, or one whose worker is lost; the number of the attempt."""
    return connection.execute(
        comparisons.update()
        .where(comparisons.c.id == comparison_id, leases.ready(comparisons))
        .values(leases.claimed(comparisons, lease_s))
        .returning(comparisons.c.attempt)
    ).scalar()


def renew(
    connection: sa.Connection,
    comparison_id: UUID,
    attempt: int,
    *,
    lease_s: float,
    told: Mapping[str, int],
) -> TrainingState | None:
    """Prolong the lease and note how far it is; the state, or None when it is another's now."""
    state = connection.execute(
        comparisons.update()
        .where(*leases.own(comparisons, comparison_id, attempt))
        .values(leased_until=leases.until(lease_s), **told)
        .returning(comparisons.c.state)
    ).scalar()
    return state and TrainingState(state)


def finish(
    connection: sa.Connection,
    comparison_id: UUID,
    attempt: int,
    state: TrainingState,
    values: Mapping[str, object],
) -> bool:
    """See `app.db.leases`."""
    return leases.finish(connection, comparisons, comparison_id, attempt, state, dict(values))


def move(
    connection: sa.Connection,
    comparison_id: UUID,
    start: TrainingState,
    end: TrainingState,
    **values: object,
) -> bool:
    """Move one from a state to another; False when it stands elsewhere."""
    return leases.move(connection, comparisons, comparison_id, start, end, values)


def waiting(connection: sa.Connection, limit: int = 100) -> list[UUID]:
    """Comparisons that a worker should take."""
    return leases.waiting(connection, comparisons, limit)


def close_lost_stops(connection: sa.Connection) -> int:
    """End those that were being stopped when their worker was lost."""
    return leases.close_lost_stops(connection, comparisons, TrainingState.STOPPED)


def delete(connection: sa.Connection, comparison_id: UUID) -> bool:
    """Remove one that nobody holds, with its judgements."""
    return leases.delete(connection, comparisons, comparison_id)


def begin(
    connection: sa.Connection, comparison_id: UUID, attempt: int, key: str, micro_usd: int
) -> bool:
    """Set aside what a call may cost; False when the comparison is another's, or gone."""
    given = sa.select(comparisons.c.id, sa.literal(key), sa.literal(micro_usd, sa.BigInteger))
    source = given.where(*leases.own(comparisons, comparison_id, attempt))
    into = judgements.insert().from_select(["comparison_id", "key", "micro_usd"], source)
    return connection.execute(into.returning(judgements.c.key)).first() is not None


def withdraw(connection: sa.Connection, comparison_id: UUID, key: str) -> None:
    """Forget a call that surely was not paid."""
    table = judgements.c
    here = (table.comparison_id == comparison_id, table.key == key, table.outcome.is_(None))
    connection.execute(judgements.delete().where(*here))


def keep(
    connection: sa.Connection,
    comparison_id: UUID,
    key: str,
    values: Mapping[str, object],
) -> None:
    """Write what came of a call, also when somebody else goes on by now: it is paid."""
    here = (judgements.c.comparison_id == comparison_id, judgements.c.key == key)
    connection.execute(judgements.update().where(*here).values(**values))


def known(connection: sa.Connection, run_id: UUID) -> Mapping[str, str | None]:
    """Every judgement about a run by its key: the reply, or None where none came."""
    query = (
        sa.select(judgements.c.key, judgements.c.text)
        .join(comparisons, comparisons.c.id == judgements.c.comparison_id)
        .where(comparisons.c.run_id == run_id)
        .order_by(judgements.c.text.is_not(None))
    )
    return {row.key: row.text for row in connection.execute(query)}


def counted(connection: sa.Connection, comparison_id: UUID) -> tuple[int, int]:
    """Calls of a comparison, and the micro-USD that they did cost or may have."""
    table = judgements.c
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(table.micro_usd), 0))
    row = connection.execute(query.where(table.comparison_id == comparison_id)).one()
    return int(row[0]), int(row[1])
