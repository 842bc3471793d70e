"""Queries about comparisons and their judgements; a worker sends only what is its own to send."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db.comparison_tables import comparisons, judgements
from app.db.paging import decode_cursor, encode_cursor
from app.db.seed_sets import cursor_id
from app.db.tables import training_runs
from app.domain.comparison import ComparisonRecord
from app.domain.lifecycle import TrainingState
from app.domain.stored import Page

_columns = [comparisons.c[name] for name in ComparisonRecord.__slots__]
_now = sa.func.clock_timestamp()
_HELD = (TrainingState.RUNNING, TrainingState.STOPPING)
_OPEN = (TrainingState.QUEUED, *_HELD)


def _record(row: "sa.Row[Any]") -> ComparisonRecord:
    values = row._asdict()
    return ComparisonRecord(**{**values, "state": TrainingState(values["state"])})


def _until(lease_s: float) -> sa.ColumnElement[Any]:
    return _now + sa.func.make_interval(0, 0, 0, 0, 0, 0, lease_s)


def _own(comparison_id: UUID, attempt: int) -> tuple[sa.ColumnElement[bool], ...]:
    table = comparisons.c
    return table.id == comparison_id, table.attempt == attempt, table.state.in_(_HELD)


def hold_run(connection: sa.Connection, run_id: UUID) -> None:
    """Let nobody else begin a comparison of the run until the transaction ends."""
    query = sa.select(training_runs.c.id).where(training_runs.c.id == run_id).with_for_update()
    connection.execute(query)


def open_of(connection: sa.Connection, run_id: UUID) -> UUID | None:
    """The comparison of a run that is not over, or None."""
    query = sa.select(comparisons.c.id).where(
        comparisons.c.run_id == run_id, comparisons.c.state.in_(_OPEN)
    )
    return connection.execute(query).scalar()


def insert(connection: sa.Connection, values: Mapping[str, object]) -> None:
    """Store a queued comparison."""
    connection.execute(comparisons.insert().values(**values))


def get(connection: sa.Connection, comparison_id: UUID) -> ComparisonRecord | None:
    """One comparison, or None."""
    query = sa.select(*_columns).where(comparisons.c.id == comparison_id)
    row = connection.execute(query).first()
    return _record(row) if row else None


def pairs(connection: sa.Connection, comparison_id: UUID) -> list[Mapping[str, str]]:
    """The prompts with both answers."""
    query = sa.select(comparisons.c.pairs).where(comparisons.c.id == comparison_id)
    return connection.execute(query).scalar_one()


def page(
    connection: sa.Connection, run_id: UUID | None, *, cursor: str | None, limit: int
) -> Page[ComparisonRecord]:
    """Comparisons, or those of one run, newest first."""
    query = sa.select(*_columns).order_by(comparisons.c.id.desc()).limit(limit + 1)
    if run_id is not None:
        query = query.where(comparisons.c.run_id == run_id)
    after = decode_cursor("comparisons", cursor, 1)
    if after is not None:
        query = query.where(comparisons.c.id < cursor_id(after[0]))
    found = [_record(row) for row in connection.execute(query)]
    more = len(found) > limit
    next_ = encode_cursor("comparisons", [str(found[limit - 1].id)]) if more else None
    return Page(found[:limit], next_)


def claim(connection: sa.Connection, comparison_id: UUID, *, lease_s: float) -> int | None:
    """Take a queued comparison, or one whose worker is lost; the number of the attempt."""
    lost = sa.and_(comparisons.c.state == TrainingState.RUNNING, comparisons.c.leased_until < _now)
    ready = sa.or_(comparisons.c.state == TrainingState.QUEUED, lost)
    return connection.execute(
        comparisons.update()
        .where(comparisons.c.id == comparison_id, ready)
        .values(
            state=TrainingState.RUNNING,
            attempt=comparisons.c.attempt + 1,
            leased_until=_until(lease_s),
            started_at=sa.func.coalesce(comparisons.c.started_at, _now),
        )
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
        .where(*_own(comparison_id, attempt))
        .values(leased_until=_until(lease_s), **told)
        .returning(comparisons.c.state)
    ).scalar()
    return state and TrainingState(state)


def finish(
    connection: sa.Connection, comparison_id: UUID, attempt: int, values: Mapping[str, object]
) -> bool:
    """Write how an attempt ended; False when the comparison is no longer its own.

    It is queued again only while nobody asked for a stop; if somebody did, the sweep ends it.
    """
    own = _own(comparison_id, attempt)
    if values["state"] is TrainingState.QUEUED:
        own = (*own, comparisons.c.state == TrainingState.RUNNING)
    given = {"finished_at": _now, **values, "leased_until": None}
    done = connection.execute(comparisons.update().where(*own).values(given))
    return done.rowcount > 0


def move(
    connection: sa.Connection,
    comparison_id: UUID,
    start: TrainingState,
    end: TrainingState,
    **values: object,
) -> bool:
    """Move one from a state to another; False when it stands elsewhere."""
    here = sa.and_(comparisons.c.id == comparison_id, comparisons.c.state == start)
    done = connection.execute(comparisons.update().where(here).values(state=end, **values))
    return done.rowcount > 0


def waiting(connection: sa.Connection, limit: int = 100) -> list[UUID]:
    """Comparisons that a worker should take."""
    lost = sa.and_(comparisons.c.state == TrainingState.RUNNING, comparisons.c.leased_until < _now)
    query = (
        sa.select(comparisons.c.id)
        .where(sa.or_(comparisons.c.state == TrainingState.QUEUED, lost))
        .order_by(comparisons.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def close_lost_stops(connection: sa.Connection) -> int:
    """End those that were being stopped when their worker was lost."""
    lost = (comparisons.c.state == TrainingState.STOPPING, comparisons.c.leased_until < _now)
    done = connection.execute(
        comparisons.update()
        .where(*lost)
        .values(state=TrainingState.STOPPED, finished_at=_now, leased_until=None)
    )
    return done.rowcount


def delete(connection: sa.Connection, comparison_id: UUID) -> bool:
    """Remove one that nobody holds, with its judgements."""
    gone = (comparisons.c.id == comparison_id, comparisons.c.state.not_in(_HELD))
    return connection.execute(comparisons.delete().where(*gone)).rowcount > 0


def begin(
    connection: sa.Connection, comparison_id: UUID, attempt: int, key: str, micro_usd: int
) -> bool:
    """Set aside what a call may cost; False when the comparison is another's, or gone."""
    given = sa.select(comparisons.c.id, sa.literal(key), sa.literal(micro_usd, sa.BigInteger))
    source = given.where(*_own(comparison_id, attempt))
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
