"""Queries about the replies of a job as they came, in the order of its calls."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from app.db.call_tables import completions, slots
from app.db.tables import candidates, conversations

Place = tuple[int, int]
"""Where a call stands among those of its step: the number of its conversation, its position."""


class RawReply(NamedTuple):
    """One reply; `instruction` is what the conversation is about, None where it proposes some."""

    place: Place
    instruction: str | None
    prompt: str
    endpoint: str
    raw: bytes


def after(
    connection: sa.Connection, job_id: UUID, step: str, place: Place, limit: int
) -> Sequence[RawReply]:
    """Up to `limit` replies of a step behind a place; of every call the attempt that counted."""
    query = (
        sa.select(
            slots.c.number,
            slots.c.position,
            candidates.c.instruction,
            slots.c.prompt["text"].astext,
            completions.c.endpoint,
            completions.c.raw,
        )
        .select_from(
            slots.join(
                completions,
                sa.and_(
                    completions.c.slot_id == slots.c.id,
                    completions.c.attempt == slots.c.answered_attempt,
                ),
            )
            .join(conversations, conversations.c.id == slots.c.conversation_id)
            .outerjoin(candidates, candidates.c.id == conversations.c.candidate_id)
        )
        .where(
            slots.c.job_id == job_id,
            slots.c.step == step,
            sa.tuple_(slots.c.number, slots.c.position) > place,
        )
        .order_by(slots.c.number, slots.c.position)
        .limit(limit)
    )
    return [
        RawReply((number, position), instruction, prompt or "", endpoint, bytes(raw))
        for number, position, instruction, prompt, endpoint, raw in connection.execute(query)
    ]
