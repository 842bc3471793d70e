"""Work that one worker has for a while, by a row with a state, an attempt and a lease.

Training runs and comparisons stand in such tables. A worker writes while the attempt is its own.
"""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db.clock import NOW, seconds
from app.domain.lifecycle import HELD_TRAINING_STATES, TrainingState


def until(lease_s: float) -> "sa.ColumnElement[Any]":
    """When a lease that begins now ends."""
    return NOW + seconds(lease_s)


def own(table: sa.Table, row_id: UUID, attempt: int) -> "tuple[sa.ColumnElement[bool], ...]":
    """That the row is still this attempt's."""
    return table.c.id == row_id, table.c.attempt == attempt, table.c.state.in_(HELD_TRAINING_STATES)


def lost(table: sa.Table, state: TrainingState) -> "sa.ColumnElement[bool]":
    """That a row in this state has a worker that is lost."""
    return sa.and_(table.c.state == state, table.c.leased_until < NOW)


def ready(table: sa.Table) -> "sa.ColumnElement[bool]":
    """That a worker should take the row: it is queued, or runs and its worker is lost."""
    return sa.or_(table.c.state == TrainingState.QUEUED, lost(table, TrainingState.RUNNING))


def claimed(table: sa.Table, lease_s: float) -> dict[str, object]:
    """What a row becomes when it is taken."""
    return {
        "state": TrainingState.RUNNING,
        "attempt": table.c.attempt + 1,
        "leased_until": until(lease_s),
        "started_at": sa.func.coalesce(table.c.started_at, NOW),
    }


def finish(
    connection: sa.Connection,
    table: sa.Table,
    row_id: UUID,
    attempt: int,
    state: TrainingState,
    values: dict[str, object],
) -> bool:
    """Write how an attempt ended; False when the row is no longer its own.

    It is queued again only while nobody asked for a stop; if somebody did, the sweep ends it.
    """
    ended, here = NOW, own(table, row_id, attempt)
    if state is TrainingState.QUEUED:
        ended, here = None, (*here, table.c.state == TrainingState.RUNNING)
    values = {**values, "state": state, "finished_at": ended, "leased_until": None}
    return connection.execute(table.update().where(*here).values(values)).rowcount > 0


def move(
    connection: sa.Connection,
    table: sa.Table,
    row_id: UUID,
    start: TrainingState,
    end: TrainingState,
    values: dict[str, object],
) -> bool:
    """Move a row from a state to another; False when it stands elsewhere."""
    here = (table.c.id == row_id, table.c.state == start)
    done = connection.execute(table.update().where(*here).values({**values, "state": end}))
    return done.rowcount > 0


def waiting(connection: sa.Connection, table: sa.Table, limit: int) -> list[UUID]:
    """Rows that a worker should take, oldest first."""
    query = sa.select(table.c.id).where(ready(table)).order_by(table.c.id).limit(limit)
    return list(connection.execute(query).scalars())


def close_lost_stops(connection: sa.Connection, table: sa.Table, state: object) -> int:
    """End rows that were being stopped when their worker was lost; how many."""
    done = connection.execute(
        table.update()
        .where(lost(table, TrainingState.STOPPING))
        .values(state=state, finished_at=NOW, leased_until=None)
    )
    return done.rowcount


def delete(connection: sa.Connection, table: sa.Table, row_id: UUID) -> bool:
    """Remove a row that nobody holds; False when somebody does, or when there is none."""
    here = (table.c.id == row_id, table.c.state.not_in(HELD_TRAINING_STATES))
    return connection.execute(table.delete().where(*here)).rowcount > 0
