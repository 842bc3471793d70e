"""Rows of finished jobs mixed by weights and caps, near-duplicates among them dropped.

No teacher is asked. The mixture is laid out when the job begins; then the rows of one instruction
after the other are compared with all that were taken before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from app.domain.filter import Action
from app.domain.materials import Material, MixedSource, MixedSources
from app.domain.method import Conversation, Pool
from app.domain.options import option
from app.domain.profiles import PublishedMethod
from app.domain.records import Answer, Candidate, Source


@dataclass(frozen=True, kw_only=True)
class Mix(PublishedMethod):
    """The novelty rule is that of every method, over the rows of all sources together."""

    novelty_floor: float = option(
        0.0, "stop when the share of novel candidates falls below", minimum=0.0, maximum=1.0
    )

    SEEDS_IN_POOL: ClassVar[bool] = False
    DRAWS_FROM: ClassVar[Material] = Material.JOBS
    CALLS: ClassVar[bool] = False
    FILTERS: ClassVar[Mapping[str, Mapping[str, Action]]] = {}

    @property
    def expected_novel(self) -> float:
        """The instruction."""
        return 1.0

    def draw(self, pool: Pool, number: int, rng: Random) -> Sequence[Source] | None:
        """All rows of the instruction that stands at this place of the mixture."""
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

    def answer(self, candidate: Candidate) -> Conversation[Answer]:
        """The rows that came along; no call is made."""
        yield from ()
        return Answer(candidate.instances, candidate.is_classification)
