"""Queries about what stands behind exported rows: what their prompts showed, what was replied."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from app.db.call_tables import completions, slots
from app.db.tables import candidates, conversations


class ProposingReply(NamedTuple):
    """The reply that brought an instruction; `number` is that of its conversation."""

    number: int
    prompt: str
    endpoint: str
    raw: bytes
    received_at: datetime


def shown(
    connection: sa.Connection, candidate_ids: Collection[UUID]
) -> Mapping[UUID, Sequence[tuple[str, str]]]:
    """By candidate, kind and id of the seeds and candidates that its prompt showed, in order."""
    query = (
        sa.select(candidates.c.id, conversations.c.sources)
        .select_from(
            candidates.join(conversations, conversations.c.id == candidates.c.conversation_id)
        )
        .where(candidates.c.id.in_(candidate_ids))
    )
    found = connection.execute(query)
    return {key: [(each["kind"], each["id"]) for each in sources] for key, sources in found}


def replies(
    connection: sa.Connection, candidate_ids: Collection[UUID]
) -> Mapping[UUID, ProposingReply]:
    """By candidate, the call that proposed it; one that no call proposed is not among them."""
    query = (
        sa.select(
            candidates.c.id,
            slots.c.number,
            sa.func.coalesce(slots.c.prompt["text"].astext, ""),
            completions.c.endpoint,
            completions.c.raw,
            completions.c.received_at,
        )
        .select_from(
            candidates.join(slots, slots.c.id == candidates.c.slot_id).join(
                completions,
                sa.and_(
                    completions.c.slot_id == slots.c.id,
                    completions.c.attempt == slots.c.answered_attempt,
                ),
            )
        )
        .where(candidates.c.id.in_(candidate_ids))
    )
    return {
        key: ProposingReply(number, prompt, endpoint, bytes(raw), received_at)
        for key, number, prompt, endpoint, raw, received_at in connection.execute(query)
    }
