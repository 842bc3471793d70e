"""Templates over labelled rows (P3, Sanh et al. 2022, arXiv:2110.08207), in the manner of Flan.

No teacher is asked. Each labelled row goes through templates of a set, or is a solved task itself;
what comes of it is worded zero-shot or few-shot, options shown or not, or turned round (Flan 2022,
Longpre et al. 2023, arXiv:2301.13688).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from app.domain.filter import Action
from app.domain.flan.cases import Case
from app.domain.flan.examples import (
    FOUR_STYLES,
    DropReason,
    Example,
    Style,
    StyleSettings,
    styled,
    turned_round,
)
from app.domain.flan.inversion import invertible
from app.domain.labelled_tasks import tasks_of
from app.domain.materials import LabelledSource, Material
from app.domain.method import Conversation, Pool
from app.domain.options import option
from app.domain.profiles import PublishedMethod
from app.domain.records import Answer, Candidate, Instance, Source
from app.domain.templates import Rendered, SkipReason, as_triple

_UNLIMITED = 1 << 62


@dataclass(frozen=True, kw_only=True)
class TemplateRows(PublishedMethod):
    """The defaults word every row through every template, once, as promptsource renders it.

    Rows are taken as they are, so only equal instructions are duplicates unless told otherwise.
    """

    threshold: float = option(
        1.0,
        "drop an instruction whose ROUGE-L F to any earlier one is above; 1 drops none",
        minimum=0.3,
        maximum=1.0,
    )
    novelty_floor: float = option(
        0.0, "stop when the share of novel candidates falls below", minimum=0.0, maximum=1.0
    )
    templates: tuple[str, ...] = option(
        (), "only these templates of the set, by name or id; none is all of them"
    )
    per_row: int | None = option(
        None, "templates drawn for each row; null is all of them", minimum=1, maximum=10_000
    )
    cap: int | None = option(
        None, "labelled rows used at most, drawn over the whole set", minimum=1, maximum=10_000_000
    )
    cap_shared: bool = option(
        False, "share the cap out among the templates, where there are more rows than it (T0)"
    )
    truncate: int | None = option(
        None, "cut each inserted text to so many characters", minimum=1, maximum=1_000_000
    )
    split: str = option(
        "", "what parts the instruction from its input in a rendered text; empty parts nothing"
    )
    styles: tuple[str, ...] = option(
        (Style.ZERO_SHOT,),
        "how tasks are asked, drawn for each; one named twice counts twice",
        choices=tuple(map(str, FOUR_STYLES)),
    )
    shots: int = option(5, "worked examples in a prompt at most", minimum=1, maximum=64)
    exemplar_pool: int = option(
        64, "rows kept at hand for worked examples", minimum=2, maximum=1000
    )
    inversion: float = option(
        0.0,
        "share of tasks that are turned round as well, where they have reasoning or a dialogue",
        minimum=0.0,
        maximum=1.0,
    )
    input_tokens: int | None = option(
        None, "tokens of an input at most", minimum=1, maximum=1_000_000
    )
    few_shot_tokens: int | None = option(
        None, "tokens of an input with worked examples at most", minimum=1, maximum=1_000_000
    )
    target_tokens: int | None = option(
        None, "tokens of a target at most", minimum=1, maximum=1_000_000
    )

    SEEDS_IN_POOL: ClassVar[bool] = False
    DRAWS_FROM: ClassVar[Material] = Material.LABELLED_ROWS
    CALLS: ClassVar[bool] = False
    FILTERS: ClassVar[Mapping[str, Mapping[str, Action]]] = {}
    PROFILES: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "default": {},
        # T0 mixture of promptsource: 500,000 rows of a data set over all of its templates.
        "t0": {"cap": 500_000, "cap_shared": True},
        # FLAN 2022: caps of 30,000, four styles alike, inversions at 0.3, lengths as released.
        "flan": {
            "cap": 30_000,
            "per_row": 1,
            "styles": list(map(str, FOUR_STYLES)),
            "inversion": 0.3,
            "input_tokens": 2048,
            "few_shot_tokens": 1920,
            "target_tokens": 512,
        },
    }

    def draw(self, pool: Pool, number: int, rng: Random) -> Sequence[Source] | None:
        """The labelled rows one after the other, each once."""
        return [pool.seeds[number]] if number < len(pool.seeds) else None

    def propose(self, sources: Sequence[Source], rng: Random) -> Conversation[Sequence[Candidate]]:
        """All that comes of the row, skipped pairs as dropped candidates; no call is made."""
        yield from ()
        rows = [each for each in sources if isinstance(each, LabelledSource)]
        return [candidate for row in rows for candidate in self._made(row, rng)]

    def answer(self, candidate: Candidate) -> Conversation[Answer]:
        """What came along; no call is made."""
        yield from ()
        return Answer(candidate.instances, candidate.is_classification)

    def _made(self, row: LabelledSource, rng: Random) -> Iterator[Candidate]:
        settings = self._settings()
        for task in tasks_of(row):
            case = task.case
            if case is None:
                yield Candidate("", reasons=(task.skipped,), facts=task.facts)
                continue
            pool = row.neighbours.get(case.template, ())
            yield self._candidate(case, styled(case, pool, settings, rng), task.facts)
            if invertible(case) and rng.random() < self.inversion:
                yield self._candidate(case, turned_round(case, settings, rng), task.facts)

    def _settings(self) -> StyleSettings:
        return StyleSettings(
            shares={Style(name): float(n) for name, n in Counter(self.styles).items()},
            shots=self.shots,
            input_tokens=self.input_tokens or _UNLIMITED,
            few_shot_tokens=self.few_shot_tokens or _UNLIMITED,
            target_tokens=self.target_tokens or _UNLIMITED,
        )

    def _candidate(
        self, case: Case, made: Example | DropReason, facts: Mapping[str, str]
    ) -> Candidate:
        classifies = True if len(case.options) > 1 else None
        if isinstance(made, DropReason):
            return Candidate("", classifies, (str(made),), facts=facts)
        rendered = Rendered(made.input, made.target)
        instruction, given, output = as_triple(rendered, self.split or None)
        if "\0" in instruction + given + output:
            return Candidate("", classifies, (str(SkipReason.NOT_TEXT),), facts=facts)
        known = {**facts, "style": str(made.style)}
        if made.exemplars:
            known["exemplars"] = " ".join(map(str, made.exemplars))
        return Candidate(instruction, classifies, instances=(Instance(given, output),), facts=known)
