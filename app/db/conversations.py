"""Queries about conversations."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.db.batches import insert_many
from app.db.call_tables import slots
from app.db.tables import conversations
from app.domain.lifecycle import (
    PENDING_SLOT_STATES,
    ConversationKind,
    ConversationState,
)
from app.domain.stored import ConversationRecord

_columns = [conversations.c[name] for name in ConversationRecord.__slots__]


def insert(connection: sa.Connection, records: Sequence[ConversationRecord]) -> None:
    """Store new conversations."""
    values = [
        {name: getattr(each, name) for name in ConversationRecord.__slots__} for each in records
    ]
    insert_many(connection, conversations, values)


def by_ids(connection: sa.Connection, ids: Collection[UUID]) -> Mapping[UUID, ConversationRecord]:
    """Conversations by id."""
    query = sa.select(*_columns).where(conversations.c.id.in_(ids))
    return {row.id: ConversationRecord(**row._asdict()) for row in connection.execute(query)}


def finish(connection: sa.Connection, ids: Collection[UUID], state: ConversationState) -> None:
    """Move open conversations to where they end."""
    if ids:
        connection.execute(
            conversations.update()
            .where(conversations.c.id.in_(ids), conversations.c.state == ConversationState.OPEN)
            .values(state=state)
        )


def reopen(connection: sa.Connection, ids: Collection[UUID]) -> None:
    """Open failed conversations again, for a retry."""
    if ids:
        connection.execute(
            conversations.update()
            .where(conversations.c.id.in_(ids), conversations.c.state == ConversationState.FAILED)
            .values(state=ConversationState.OPEN, wanted=True)
        )


def count_open(connection: sa.Connection, job_id: UUID) -> Mapping[str, int]:
    """Open conversations of a job, by kind."""
    query = (
        sa.select(conversations.c.kind, sa.func.count())
        .where(conversations.c.job_id == job_id, conversations.c.state == ConversationState.OPEN)
        .group_by(conversations.c.kind)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def proposals_ended(connection: sa.Connection, job_id: UUID, *, begun_after: datetime) -> int:
    """How many conversations that proposed ended, of those begun after a moment."""
    query = sa.select(sa.func.count()).where(
        conversations.c.job_id == job_id,
        conversations.c.kind == ConversationKind.PROPOSE,
        conversations.c.state != ConversationState.OPEN,
        conversations.c.created_at > begun_after,
    )
    return connection.execute(query).scalar_one()


def wanted_open(connection: sa.Connection, job_id: UUID) -> Collection[UUID]:
    """Open conversations that a retry asked for."""
    query = sa.select(conversations.c.id).where(
        conversations.c.job_id == job_id,
        conversations.c.state == ConversationState.OPEN,
        conversations.c.wanted,
    )
    return set(connection.execute(query).scalars())


def stranded(connection: sa.Connection, job_id: UUID) -> Sequence[ConversationRecord]:
    """Open conversations that no slot will carry on (their next slot was withdrawn)."""
    pending = sa.exists().where(
        slots.c.conversation_id == conversations.c.id, slots.c.state.in_(PENDING_SLOT_STATES)
    )
    query = sa.select(*_columns).where(
        conversations.c.job_id == job_id,
        conversations.c.state == ConversationState.OPEN,
        sa.not_(pending),
    )
    return [ConversationRecord(**row._asdict()) for row in connection.execute(query)]


def proposals_open(connection: sa.Connection, job_id: UUID) -> bool:
    """Whether any conversation that proposes is still open."""
    query = sa.select(
        sa.exists().where(
            conversations.c.job_id == job_id,
            conversations.c.kind == ConversationKind.PROPOSE,
            conversations.c.state == ConversationState.OPEN,
        )
    )
    return bool(connection.execute(query).scalar())
