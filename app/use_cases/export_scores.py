"""What judges said of the rows of an export: which of them stay, and what their lines tell."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.db import jobs, scores
from app.db.engine import Connection
from app.db.rows import ExportedRow
from app.domain.format import Format
from app.domain.judging import BELOW_SCORE, NOT_JUDGED
from app.domain.methods.judge import NAME as JUDGING
from app.domain.packaging import Packaging
from app.errors import InvalidInput, Problem
from app.runtime import Runtime


@dataclass(frozen=True, slots=True)
class RowScores:
    """The scores of rows by a judging job; nothing is read where nobody asks for them."""

    runtime: Runtime
    packaging: Packaging
    told: bool

    @classmethod
    def wanted(cls, runtime: Runtime, packaging: Packaging, chosen: Format) -> "RowScores":
        """What an export in this format and packaging wants to know."""
        return cls(runtime, packaging, chosen.wants_score)

    def of(self, page: Sequence[ExportedRow]) -> Mapping[UUID, float]:
        """The score of each row that has one, where lines tell it."""
        return self._read(page) if self.told else {}

    def good(
        self, pages: Iterable[Sequence[ExportedRow]], left_out: Counter[str]
    ) -> Iterator[Sequence[ExportedRow]]:
        """The rows that are good enough; the others are counted by why they are left out."""
        least = self.packaging.min_score
        if least is None:
            yield from pages
            return
        for page in pages:
            found = self._read(page)
            good = [each for each in page if found.get(each.id, least - 1) >= least]
            unscored = sum(each.id not in found for each in page)
            left_out.update({NOT_JUDGED: unscored} if unscored else {})
            low = len(page) - len(good) - unscored
            left_out.update({BELOW_SCORE: low} if low else {})
            if good:
                yield good

    def _read(self, page: Sequence[ExportedRow]) -> Mapping[UUID, float]:
        with self.runtime.database.transaction() as connection:
            keys = [each.id for each in page]
            return scores.overall(connection, keys, self.packaging.judge_job_id)


def check_judge(connection: Connection, packaging: Packaging) -> None:
    """Raises InvalidInput where the job named as the judge is none."""
    judge_id = packaging.judge_job_id
    if judge_id is None:
        return
    found = jobs.get(connection, judge_id)
    if found is None or found.method != JUDGING:
        problem = Problem("/packaging/judge", "not_found", "there is no such judging job")
        raise InvalidInput("The export cannot be made.", problems=[problem])
