"""What methods share that draw the rows of other jobs, all rows of an instruction at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from app.domain.filter import Action
from app.domain.materials import Material, MixedSource, MixedSources
from app.domain.method import Conversation, Pool
from app.domain.profiles import PublishedMethod
from app.domain.records import Candidate, Source


@dataclass(frozen=True, kw_only=True)
class RowsOfJobs(PublishedMethod):
    """Draws instructions with their rows in the order in which the stock was laid out."""

    SEEDS_IN_POOL: ClassVar[bool] = False
    DRAWS_FROM: ClassVar[Material] = Material.JOBS
    FILTERS: ClassVar[Mapping[str, Mapping[str, Action]]] = {}

    @property
    def expected_novel(self) -> float:
        """The instruction."""
        return 1.0

    def draw(self, pool: Pool, number: int, rng: Random) -> Sequence[Source] | None:
        """All rows of the instruction that stands at this place."""
        if number >= len(pool.seeds):
            return None
        group = pool.seeds[number]
        return group.rows if isinstance(group, MixedSources) else [group]

    def propose(self, sources: Sequence[Source], rng: Random) -> Conversation[Sequence[Candidate]]:
        """The instruction with its rows; no call is made."""
        yield from ()
        rows = [each for each in sources if isinstance(each, MixedSource)]
        if not rows:
            return []
        instances = tuple(each.row for each in rows if each.row is not None)
        return [Candidate(rows[0].instruction, rows[0].is_classification, instances=instances)]
