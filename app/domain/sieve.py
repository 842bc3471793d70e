"""What a job holds its candidates and rows against: its filters, and its evaluation sets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from app.domain.contamination import Overlap, OverlapRule
from app.domain.filter import Action
from app.domain.filtering import NO_FILTERS, JobFilters
from app.domain.records import Candidate, Instance


class Overlaps(Protocol):
    """The evaluation sets of a job."""

    def of_row(self, instruction: str, instance: Instance) -> Sequence[Overlap]:
        """The first overlap with each set."""
        ...

    def of_instruction(self, instruction: str) -> Sequence[Overlap]:
        """What the instruction alone shows already, whatever its answer will be."""
        ...


@dataclass(frozen=True, slots=True)
class Sifted:
    """A row that was judged: what drops it is in its reasons, what only flags it in `flags`."""

    instance: Instance
    flags: tuple[str, ...] = ()
    overlaps: Sequence[Overlap] = ()


@dataclass(frozen=True, slots=True)
class Sieve:
    """The filters of a job, then its evaluation sets, which only see what the filters let pass."""

    filters: JobFilters = NO_FILTERS
    overlaps: Overlaps | None = None
    action: Action = Action.DROP

    def candidate(self, candidate: Candidate) -> tuple[Candidate, Sequence[Overlap]]:
        """The candidate with the reasons that hold, before its answer is paid for."""
        judged = self.filters.judge_candidate(candidate)
        if judged.dropped or self.overlaps is None or self.action is Action.FLAG:
            return judged, ()
        found = self.overlaps.of_instruction(judged.instruction)
        return replace(judged, reasons=_names(found)) if found else judged, found

    def row(self, instruction: str, instance: Instance) -> Sifted:
        """The row with the reasons that hold, and its flags."""
        judged = self.filters.judge(instruction, instance)
        if judged.instance.dropped or self.overlaps is None:
            return Sifted(judged.instance, judged.flags)
        found = self.overlaps.of_row(instruction, judged.instance)
        if not found:
            return Sifted(judged.instance, judged.flags)
        if self.action is Action.FLAG:
            return Sifted(judged.instance, (*judged.flags, *_names(found)), found)
        return Sifted(replace(judged.instance, reasons=_names(found)), judged.flags, found)


def _names(found: Sequence[Overlap]) -> tuple[OverlapRule, ...]:
    return tuple(dict.fromkeys(each.rule for each in found))
