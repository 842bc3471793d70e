"""What a decision about a row looks like over HTTP."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class DecisionOut(BaseModel):
    """What somebody said of a row; the newest decision about a row holds."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    row_id: UUID
    review_id: UUID | None = Field(description="null once the review was deleted")
    verdict: str
    reasons: list[str]
    note: str
    reviewer: str
    before: dict[str, Any] | None = Field(description="the texts before, where it changed them")
    after: dict[str, Any] | None
    created_at: datetime
