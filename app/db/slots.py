"""Queries about call slots: in which state each is, and which worker has it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db.batches import insert_many, update_many
from app.db.call_tables import slots, teacher_batches
from app.db.clock import NOW, seconds
from app.db.tables import conversations, jobs, workers
from app.domain.lifecycle import Delivery, SlotState
from app.domain.stored import NewSlot, SlotRecord
from app.domain.suspicion import STRIKES

slot_columns = [slots.c[name] for name in SlotRecord.__slots__]


def slot_record(row: Mapping[str, Any]) -> SlotRecord:
    """A slot from the values of `slot_columns`."""
    return SlotRecord(**{**row, "state": SlotState(row["state"])})


def is_heard_of(lease_s: float) -> sa.ColumnElement[bool]:
    """Whether a slot's worker beat within the lease."""
    return sa.exists().where(
        workers.c.id == slots.c.worker_id,
        workers.c.heartbeat_at >= NOW - seconds(lease_s),
    )


def insert(connection: sa.Connection, records: Sequence[NewSlot]) -> None:
    """Store new slots, ready to be claimed."""
    values = [
        {name: getattr(each, name) for name in NewSlot.__slots__} | {"state": SlotState.READY}
        for each in records
    ]
    insert_many(connection, slots, values)


def prompts(
    connection: sa.Connection, ids: Collection[UUID]
) -> Mapping[UUID, Mapping[str, object]]:
    """The stored prompts of slots."""
    if not ids:
        return {}
    query = sa.select(slots.c.id, slots.c.prompt).where(slots.c.id.in_(ids))
    return {row[0]: row[1] for row in connection.execute(query)}


def locked(
    connection: sa.Connection, ids: Collection[UUID], *, skip_locked: bool = False
) -> Mapping[UUID, SlotRecord]:
    """Slots by id, locked in one order for this transaction."""
    query = (
        sa.select(*slot_columns)
        .where(slots.c.id.in_(ids))
        .order_by(slots.c.id)
        .with_for_update(skip_locked=skip_locked)
    )
    return {row.id: slot_record(row._asdict()) for row in connection.execute(query)}


def hand_over(connection: sa.Connection, job_id: UUID, worker_id: UUID) -> None:
    """Give what the batches of a job brought to the worker that is going to read it."""
    batches = sa.select(teacher_batches.c.id).where(teacher_batches.c.job_id == job_id)
    connection.execute(
        slots.update()
        .where(
            slots.c.job_id == job_id,
            slots.c.state == SlotState.RECEIVED,
            slots.c.worker_id.in_(batches),
        )
        .values(worker_id=worker_id, updated_at=NOW)
    )


def change(connection: sa.Connection, changes: Sequence[Mapping[str, object]]) -> None:
    """Write several slots: each mapping names `id` and the same other columns.

    `wait_s`, if named, sets `not_before` to so many seconds from now.
    """
    waits = bool(changes) and "wait_s" in changes[0]
    wait = ", not_before = clock_timestamp() + make_interval(secs => given.wait_s)"
    update_many(
        connection,
        slots,
        changes,
        also_set="updated_at = clock_timestamp()" + (wait if waits else ""),
        given_types=(("wait_s", "double precision"),),
    )


def counts_active(connection: sa.Connection, job_id: UUID) -> Mapping[tuple[str, str], int]:
    """How many slots are ready, in flight or received, by (kind, state)."""
    states = [SlotState.READY, SlotState.IN_FLIGHT, SlotState.RECEIVED, SlotState.UNKNOWN]
    query = (
        sa.select(slots.c.kind, slots.c.state, sa.func.count())
        .where(slots.c.job_id == job_id, slots.c.state.in_(states))
        .group_by(slots.c.kind, slots.c.state)
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def held(connection: sa.Connection, teacher_id: UUID) -> Sequence[tuple[UUID | None, UUID, int]]:
    """Single calls under way with a teacher as (worker, job, how many), over the whole fleet."""
    query = (
        sa.select(slots.c.worker_id, slots.c.job_id, sa.func.count())
        .select_from(slots.join(jobs, jobs.c.id == slots.c.job_id))
        .where(
            jobs.c.teacher_id == teacher_id,
            jobs.c.finished_at.is_(None),
            jobs.c.delivery == Delivery.CALLS,
            slots.c.state == SlotState.IN_FLIGHT,
        )
        .group_by(slots.c.worker_id, slots.c.job_id)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def seconds_to_next(connection: sa.Connection, job_id: UUID) -> float | None:
    """Seconds until the earliest waiting slot may be claimed; None without ready slots."""
    query = sa.select(
        sa.func.min(sa.func.extract("epoch", sa.func.coalesce(slots.c.not_before, NOW) - NOW))
    ).where(slots.c.job_id == job_id, slots.c.state == SlotState.READY)
    found = connection.execute(query).scalar()
    return None if found is None else max(0.0, float(found))


_unwanted = sa.not_(
    sa.exists().where(conversations.c.id == slots.c.conversation_id, conversations.c.wanted)
)


def withdraw_ready(connection: sa.Connection, job_id: UUID, *, wanted_too: bool = False) -> int:
    """Remove slots that were never sent; returns how many (a job that ends needs none).

    Those that a retry asked for stay, but with `wanted_too`.
    """
    done = connection.execute(
        slots.delete().where(
            slots.c.job_id == job_id,
            slots.c.state == SlotState.READY,
            slots.c.attempt == 0,
            sa.true() if wanted_too else _unwanted,
        )
    )
    return done.rowcount


def give_up_ready(
    connection: sa.Connection, job_id: UUID, reason: str, *, wanted_too: bool = False
) -> list[UUID]:
    """Fail slots that wait for another attempt; returns their conversations."""
    done = connection.execute(
        slots.update()
        .where(
            slots.c.job_id == job_id,
            slots.c.state == SlotState.READY,
            sa.true() if wanted_too else _unwanted,
        )
        .values(state=SlotState.FAILED, reason=reason, updated_at=NOW)
        .returning(slots.c.conversation_id)
    )
    return list(done.scalars())


def retry_failed(connection: sa.Connection, job_id: UUID) -> list[tuple[UUID, str]]:
    """Make failed and quarantined slots ready again: their conversations and former states."""
    failed = (
        sa.select(slots.c.id, slots.c.state)
        .where(
            slots.c.job_id == job_id,
            slots.c.state.in_([SlotState.FAILED, SlotState.QUARANTINED]),
        )
        .with_for_update()
        .cte("failed")
    )
    done = connection.execute(
        slots.update()
        .where(slots.c.id == failed.c.id)
        .values(
            state=SlotState.READY,
            failures=0,
            # What may have killed workers gets one more chance, alone.
            strikes=sa.func.least(slots.c.strikes, STRIKES - 1),
            reason=None,
            detail=None,
            not_before=None,
            updated_at=NOW,
        )
        .returning(slots.c.conversation_id, failed.c.state)
    )
    return [(row[0], row[1]) for row in done]


def orphans(
    connection: sa.Connection, *, lease_s: float, limit: int = 500
) -> Sequence[tuple[SlotRecord, UUID]]:
    """In-flight slots whose worker has not been heard of for `lease_s`, locked; with the worker.

    Those of a batch are the batch's for as long as it lives.
    """
    batched = sa.exists().where(
        teacher_batches.c.id == slots.c.worker_id, teacher_batches.c.ended_at.is_(None)
    )
    query = (
        sa.select(*slot_columns, slots.c.worker_id)
        .where(
            slots.c.state == SlotState.IN_FLIGHT, sa.not_(is_heard_of(lease_s)), sa.not_(batched)
        )
        .order_by(slots.c.id)
        .limit(limit)
        .with_for_update(of=slots, skip_locked=True)
    )
    found: list[tuple[SlotRecord, UUID]] = []
    for row in connection.execute(query):
        values = row._asdict()
        worker_id = values.pop("worker_id")
        found.append((slot_record(values), worker_id))
    return found


def held_by(connection: sa.Connection, worker_id: UUID, job_id: UUID) -> Sequence[SlotRecord]:
    """In-flight slots of a job that a worker claimed, locked."""
    query = (
        sa.select(*slot_columns)
        .where(
            slots.c.job_id == job_id,
            slots.c.state == SlotState.IN_FLIGHT,
            slots.c.worker_id == worker_id,
        )
        .order_by(slots.c.id)
        .with_for_update()
    )
    return [slot_record(row._asdict()) for row in connection.execute(query)]
