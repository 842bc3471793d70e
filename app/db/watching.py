"""What someone who watches a job wants to see of it: what was dropped and the last error."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from app.db.call_tables import slots
from app.db.tables import candidates
from app.domain.lifecycle import CandidateState
from app.domain.watching import DroppedText, LastError


def newest_drops(connection: sa.Connection, job_id: UUID, limit: int) -> Sequence[DroppedText]:
    """The newest candidates that were dropped, each with its first reason."""
    query = (
        sa.select(candidates.c.instruction, candidates.c.reasons, candidates.c.nearest_score)
        .where(
            candidates.c.job_id == job_id,
            candidates.c.state.in_([CandidateState.DUPLICATE, CandidateState.REJECTED]),
        )
        .order_by(candidates.c.id.desc())
        .limit(limit)
    )
    return [
        DroppedText(text, reasons[0] if reasons else "", score)
        for text, reasons, score in connection.execute(query)
    ]


def last_error(connection: sa.Connection, job_id: UUID) -> LastError | None:
    """The newest error of a call; it reads every slot of the job, so ask for it seldom."""
    age_s = sa.func.extract("epoch", sa.func.clock_timestamp() - slots.c.updated_at)
    query = (
        sa.select(slots.c.state, slots.c.reason, slots.c.detail, age_s)
        .where(slots.c.job_id == job_id, slots.c.detail.is_not(None))
        .order_by(slots.c.updated_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else LastError(row[0], row[1] or "", row[2], float(row[3]))
