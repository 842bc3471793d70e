"""What a filter is, and how filters judge: every rule is asked, the first that fires wins."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from app.domain.records import Instance


class InstructionFilter(Protocol):
    """A rule on one instruction."""

    def reason(self, instruction: str) -> str | None:
        """Return the name of the fault, in snake_case, or None."""
        ...


class InstanceFilter(Protocol):
    """A rule on one (input, output)."""

    def reason(self, instance: Instance) -> str | None:
        """Return the name of the fault, in snake_case, or None."""
        ...


class GroupFilter(Protocol):
    """A rule on all instances of one instruction that no earlier rule has dropped."""

    def reasons(self, instances: Sequence[Instance]) -> Sequence[str | None]:
        """Return for each instance the name of its fault, or None."""
        ...


def instruction_reasons(instruction: str, filters: Iterable[InstructionFilter]) -> tuple[str, ...]:
    """Return every reason to drop the instruction, in the order of the filters."""
    reasons = (each.reason(instruction) for each in filters)
    return tuple(reason for reason in reasons if reason is not None)


def judge_instances(
    instances: Sequence[Instance],
    filters: Sequence[InstanceFilter],
    group_filters: Sequence[GroupFilter],
) -> tuple[Instance, ...]:
    """Return the same instances, in order, with the reasons that drop them.

    What the reading has dropped already is not judged again, and each group filter sees only what
    is still standing, so a broken instance conflicts with none.
    """
    judged = [
        each if each.dropped else _judged(each, (rule.reason(each) for rule in filters))
        for each in instances
    ]
    for group_filter in group_filters:
        standing = [index for index, each in enumerate(judged) if not each.dropped]
        found = group_filter.reasons([judged[index] for index in standing])
        for index, reason in zip(standing, found, strict=True):
            judged[index] = _judged(judged[index], (reason,))
    return tuple(judged)


def _judged(instance: Instance, reasons: Iterable[str | None]) -> Instance:
    new = tuple(reason for reason in reasons if reason is not None)
    return replace(instance, reasons=instance.reasons + new) if new else instance
