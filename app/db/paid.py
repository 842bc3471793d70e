"""Queries about what calls brought and cost: raw replies, the ledger, the list of a job's calls."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from app.db.batches import insert_many
from app.db.call_tables import completions, ledger, slots
from app.db.paging import cursor_number, decode_cursor, encode_cursor
from app.db.slots import slot_columns, slot_record
from app.domain.lifecycle import ConversationKind, SlotState
from app.domain.stored import CallRecord, Page, SlotRecord
from app.errors import UnknownCursor


def insert_completions(connection: sa.Connection, values: Sequence[Mapping[str, object]]) -> None:
    """Store raw replies; one that is there already (same slot and attempt) stays as it is."""
    insert_many(connection, completions, values, also="ON CONFLICT DO NOTHING")


def write_ledger(connection: sa.Connection, entries: Sequence[Mapping[str, object]]) -> None:
    """Append money moves; they are never changed."""
    insert_many(connection, ledger, entries)


def answers_of(
    connection: sa.Connection, conversation_ids: Collection[UUID]
) -> Mapping[UUID, list[tuple[SlotRecord, str, bytes]]]:
    """The answered slots of conversations in position order: (slot, endpoint, raw reply)."""
    query = (
        sa.select(*slot_columns, completions.c.endpoint, completions.c.raw)
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
        slot = slot_record(values)
        found.setdefault(slot.conversation_id, []).append((slot, endpoint, bytes(raw)))
    return found


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
