"""Queries about which calls of a job a worker takes next; those chosen are locked for it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db.batches import update_many
from app.db.call_tables import slots
from app.db.clock import NOW, seconds
from app.db.slots import is_heard_of, slot_columns, slot_record
from app.domain.lifecycle import SlotState
from app.domain.stored import SlotRecord

_due = sa.and_(
    slots.c.state == SlotState.READY,
    sa.or_(slots.c.not_before.is_(None), slots.c.not_before <= NOW),
)
_in_order = (slots.c.kind, slots.c.number, slots.c.position)


def claimable(connection: sa.Connection, job_id: UUID, limit: int) -> Sequence[SlotRecord]:
    """Ready slots whose time has come, answers before proposals, locked for this transaction.

    Suspects are left out: they run apart.
    """
    return _chosen(connection, job_id, sa.and_(_due, slots.c.strikes == 0), _in_order, limit)


def least_failed(connection: sa.Connection, job_id: UUID) -> Sequence[SlotRecord]:
    """The ready slot that failed least, locked, for a probe that may well fail too."""
    order = (slots.c.strikes, slots.c.failures, *_in_order)
    return _chosen(connection, job_id, sa.and_(_due, slots.c.strikes == 0), order, 1)


def suspects(connection: sa.Connection, job_id: UUID, limit: int) -> Sequence[SlotRecord]:
    """Ready slots with which a worker was lost, most suspect first, locked."""
    order = (slots.c.strikes.desc(), *_in_order)
    return _chosen(connection, job_id, sa.and_(_due, slots.c.strikes > 0), order, limit)


def received(
    connection: sa.Connection, job_id: UUID, worker_id: UUID, limit: int
) -> Sequence[SlotRecord]:
    """Slots whose reply waits to be read by the worker that stored it, locked.

    A reply may kill whoever reads it: that of a dead worker is read apart.
    """
    nobodys = slots.c.worker_id.is_(None)  # never sent: a reply of an earlier job stands for it
    own = sa.and_(
        slots.c.state == SlotState.RECEIVED, sa.or_(slots.c.worker_id == worker_id, nobodys)
    )
    return _chosen(connection, job_id, own, _in_order, limit)


def stray(
    connection: sa.Connection, job_id: UUID, worker_id: UUID, *, lease_s: float
) -> SlotRecord | None:
    """A stored reply that its worker did not live, or did not manage, to read; locked."""
    found = _chosen(connection, job_id, _is_stray(worker_id, lease_s), _in_order, 1)
    return found[0] if found else None


def seconds_apart(
    connection: sa.Connection, job_id: UUID, worker_id: UUID, *, lease_s: float, suspects: bool
) -> float | None:
    """How long the oldest stray reply, or suspect, of a job has waited; None without any."""
    oldest = sa.func.max(sa.func.extract("epoch", NOW - slots.c.updated_at))
    apart = _is_stray(worker_id, lease_s)
    if suspects:
        apart = sa.or_(apart, sa.and_(_due, slots.c.strikes > 0))
    open_states = [SlotState.READY, SlotState.RECEIVED]
    query = sa.select(oldest).where(slots.c.job_id == job_id, slots.c.state.in_(open_states), apart)
    found = connection.execute(query).scalar()
    return None if found is None else float(found)


def claim(connection: sa.Connection, worker_id: UUID, reservations: Mapping[UUID, int]) -> None:
    """Mark slots in flight with what was reserved for each; the attempt counts before the work."""
    update_many(
        connection,
        slots,
        [
            {"id": slot, "worker_id": worker_id, "reserved_micro_usd": amount}
            for slot, amount in reservations.items()
        ],
        also_set="state = 'in_flight', attempt = slots.attempt + 1, updated_at = clock_timestamp()",
        only_where="slots.state = 'ready'",
    )


def _chosen(
    connection: sa.Connection,
    job_id: UUID,
    condition: sa.ColumnElement[bool],
    order: Sequence[sa.ColumnElement[Any]],
    limit: int,
) -> Sequence[SlotRecord]:
    query = (
        sa.select(*slot_columns)
        .where(slots.c.job_id == job_id, condition)
        .order_by(*order)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [slot_record(row._asdict()) for row in connection.execute(query)]


def _is_stray(worker_id: UUID, lease_s: float) -> sa.ColumnElement[bool]:
    """A stored reply that its worker did not live, or did not manage, to read."""
    age = seconds(lease_s)
    abandoned = sa.or_(sa.not_(is_heard_of(lease_s)), slots.c.updated_at < NOW - age)
    return sa.and_(slots.c.state == SlotState.RECEIVED, slots.c.worker_id != worker_id, abandoned)
