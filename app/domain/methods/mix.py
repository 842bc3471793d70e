"""Rows of finished jobs mixed by weights and caps, near-duplicates among them dropped.

No teacher is asked. The mixture is laid out when the job begins; then the rows of one instruction
after the other are compared with all that were taken before.
"""

from dataclasses import dataclass
from typing import ClassVar

from app.domain.method import Conversation
from app.domain.options import option
from app.domain.records import Answer, Candidate
from app.domain.rows_of_jobs import RowsOfJobs


@dataclass(frozen=True, kw_only=True)
class Mix(RowsOfJobs):
    """The novelty rule is that of every method, over the rows of all sources together."""

    novelty_floor: float = option(
        0.0, "stop when the share of novel candidates falls below", minimum=0.0, maximum=1.0
    )

    CALLS: ClassVar[bool] = False

    def answer(self, candidate: Candidate) -> Conversation[Answer]:
        """The rows that came along; no call is made."""
        yield from ()
        return Answer(candidate.instances, candidate.is_classification)
