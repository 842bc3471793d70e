"""Queries about call slots and what was paid for them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from app.db.batches import insert_many, update_many
from app.db.call_tables import completions, ledger, slots, teacher_batches
from app.db.clock import NOW, seconds
from app.db.paging import cursor_number, decode_cursor, encode_cursor
from app.db.tables import conversations, jobs, workers
from app.domain.lifecycle import ConversationKind, Delivery, SlotState
from app.domain.stored import CallRecord, NewSlot, Page, SlotRecord
from app.domain.suspicion import STRIKES
from app.errors import UnknownCursor

_columns = [slots.c[name] for name in SlotRecord.__slots__]


def _slot(row: Mapping[str, Any]) -> SlotRecord:
    return SlotRecord(**{**row, "state": SlotState(row["state"])})


def insert(connection: sa.Connection, records: Sequence[NewSlot]) -> None:
    """Store new slots, ready to be claimed."""
    values = [
        {name: getattr(each, name) for name in NewSlot.__slots__} | {"state": SlotState.READY}
        for each in records
    ]
    insert_many(connection, slots, values)


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


def _chosen(
    connection: sa.Connection,
    job_id: UUID,
    condition: sa.ColumnElement[bool],
    order: Sequence[sa.ColumnElement[Any]],
    limit: int,
) -> Sequence[SlotRecord]:
    query = (
        sa.select(*_columns)
        .where(slots.c.job_id == job_id, condition)
        .order_by(*order)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_slot(row._asdict()) for row in connection.execute(query)]


def _is_heard_of(lease_s: float) -> sa.ColumnElement[bool]:
    """Whether a slot's worker beat within the lease."""
    return sa.exists().where(
        workers.c.id == slots.c.worker_id,
        workers.c.heartbeat_at >= NOW - seconds(lease_s),
    )


def _is_stray(worker_id: UUID, lease_s: float) -> sa.ColumnElement[bool]:
    """A stored reply that its worker did not live, or did not manage, to read."""
    age = seconds(lease_s)
    abandoned = sa.or_(sa.not_(_is_heard_of(lease_s)), slots.c.updated_at < NOW - age)
    return sa.and_(slots.c.state == SlotState.RECEIVED, slots.c.worker_id != worker_id, abandoned)


def stray(
    connection: sa.Connection, job_id: UUID, worker_id: UUID, *, lease_s: float
) -> SlotRecord | None:
    """One such reply, locked."""
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


def prompts(
    connection: sa.Connection, ids: Collection[UUID]
) -> Mapping[UUID, Mapping[str, object]]:
    """The stored prompts of slots."""
    if not ids:
        return {}
    query = sa.select(slots.c.id, slots.c.prompt).where(slots.c.id.in_(ids))
    return {row[0]: row[1] for row in connection.execute(query)}


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


def locked(
    connection: sa.Connection, ids: Collection[UUID], *, skip_locked: bool = False
) -> Mapping[UUID, SlotRecord]:
    """Slots by id, locked in one order for this transaction."""
    query = (
        sa.select(*_columns)
        .where(slots.c.id.in_(ids))
        .order_by(slots.c.id)
        .with_for_update(skip_locked=skip_locked)
    )
    return {row.id: _slot(row._asdict()) for row in connection.execute(query)}


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
        sa.select(*_columns, slots.c.worker_id)
        .where(
            slots.c.state == SlotState.IN_FLIGHT, sa.not_(_is_heard_of(lease_s)), sa.not_(batched)
        )
        .order_by(slots.c.id)
        .limit(limit)
        .with_for_update(of=slots, skip_locked=True)
    )
    found: list[tuple[SlotRecord, UUID]] = []
    for row in connection.execute(query):
        values = row._asdict()
        worker_id = values.pop("worker_id")
        found.append((_slot(values), worker_id))
    return found


def held_by(connection: sa.Connection, worker_id: UUID, job_id: UUID) -> Sequence[SlotRecord]:
    """In-flight slots of a job that a worker claimed, locked."""
    query = (
        sa.select(*_columns)
        .where(
            slots.c.job_id == job_id,
            slots.c.state == SlotState.IN_FLIGHT,
            slots.c.worker_id == worker_id,
        )
        .order_by(slots.c.id)
        .with_for_update()
    )
    return [_slot(row._asdict()) for row in connection.execute(query)]


def insert_completions(connection: sa.Connection, values: Sequence[Mapping[str, object]]) -> None:
    """Store raw replies; one that is there already (same slot and attempt) stays as it is."""
    insert_many(connection, completions, values, also="ON CONFLICT DO NOTHING")


def answers_of(
    connection: sa.Connection, conversation_ids: Collection[UUID]
) -> Mapping[UUID, list[tuple[SlotRecord, str, bytes]]]:
    """The answered slots of conversations in position order: (slot, endpoint, raw reply)."""
    query = (
        sa.select(*_columns, completions.c.endpoint, completions.c.raw)
        .join_from(
            slots,
            completions,
            sa.and_(
                completions.c.slot_id == slots.c.id,
                completions.c.attempt == slots.c.answered_attempt,
            ),
        )
        .where(slots.c.conversation_id.in_(conversation_ids))
        .order_by(slots.c.conversation_id, slots.c.position)
    )
    found: dict[UUID, list[tuple[SlotRecord, str, bytes]]] = {}
    for row in connection.execute(query):
        values = row._asdict()
        endpoint, raw = values.pop("endpoint"), values.pop("raw")
        slot = _slot(values)
        found.setdefault(slot.conversation_id, []).append((slot, endpoint, bytes(raw)))
    return found


def write_ledger(connection: sa.Connection, entries: Sequence[Mapping[str, object]]) -> None:
    """Append money moves; they are never changed."""
    insert_many(connection, ledger, entries)


def page(
    connection: sa.Connection,
    job_id: UUID,
    *,
    states: Collection[SlotState],
    cursor: str | None,
    limit: int,
) -> Page[CallRecord]:
    """Call slots of a job with their last attempt, in slot order."""
    own = ["id", "kind", "number", "position", "step", "state", "attempt", "reason", "detail"]
    paid = ["status", "prompt_tokens", "completion_tokens", "cost_micro_usd"]
    paid += ["reused_from_job_id", "reused_from_slot_id", "saved_micro_usd"]
    key = sa.tuple_(slots.c.kind, slots.c.number, slots.c.position)
    query = (
        sa.select(
            *(slots.c[name] for name in own),
            *(completions.c[name] for name in paid),
            slots.c.updated_at,
        )
        .join_from(
            slots,
            completions,
            sa.and_(completions.c.slot_id == slots.c.id, completions.c.attempt == slots.c.attempt),
            isouter=True,
        )
        .where(slots.c.job_id == job_id)
        .order_by(slots.c.kind, slots.c.number, slots.c.position)
        .limit(limit + 1)
    )
    if states:
        query = query.where(slots.c.state.in_(states))
    after = decode_cursor("calls", cursor, 3)
    if after is not None:
        number, position = cursor_number(after[1]), cursor_number(after[2], bits=31)
        behind = (_cursor_kind(after[0]), number, position)
        query = query.where(key > behind)
    found = [
        CallRecord(**{**row._asdict(), "state": SlotState(row.state)})
        for row in connection.execute(query)
    ]
    last = found[limit - 1] if len(found) > limit else None
    more = encode_cursor("calls", [last.kind, last.number, last.position]) if last else None
    return Page(found[:limit], more)


def _cursor_kind(value: object) -> str:
    if not isinstance(value, str) or value not in set(ConversationKind):
        raise UnknownCursor("Use a `next` value of this list as cursor.")
    return str(value)


class LastReply(NamedTuple):
    """The last reply to a call, with what it took and cost; tokens are None where unknown.

    Once its raw bytes have been removed, they are empty and it is told when.
    """

    raw: bytes
    raw_removed_at: datetime | None
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_micro_usd: int
    received_at: datetime


def last_reply(connection: sa.Connection, slot_id: UUID) -> LastReply | None:
    """The newest reply to a call, None where there is none."""
    query = (
        sa.select(*(completions.c[name] for name in LastReply._fields))
        .where(completions.c.slot_id == slot_id)
        .order_by(completions.c.attempt.desc())
        .limit(1)
    )
    found = connection.execute(query).first()
    return LastReply(**{**found._asdict(), "raw": bytes(found[0])}) if found else None
