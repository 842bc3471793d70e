"""A comparison of two models' answers as it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.lifecycle import TrainingState


@dataclass(frozen=True, slots=True)
class ComparisonRecord:
    """A tuned model's answers judged against others by a teacher, in both orders.

    The others are those of its base, or of the model that `against_run_id` made. Of `total`
    judgements `done` are known. What `calls` cost, or may have, is `spent_micro_usd`. `result` has
    the win rate as far as it is known.
    """

    id: UUID
    run_id: UUID
    against_run_id: UUID | None
    teacher_id: UUID | None
    judge: str
    language: str
    cap_calls: int | None
    cap_micro_usd: int | None
    state: TrainingState
    attempt: int
    done: int
    total: int
    calls: int
    spent_micro_usd: int
    result: Mapping[str, Any] | None
    error: str | None
    error_code: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
