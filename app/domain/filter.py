"""What a filter is, and how filters judge: every rule is asked, the first that fires wins."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Protocol

from app.domain.records import Instance, Role


class Action(StrEnum):
    """What becomes of a row that a filter finds fault with."""

    DROP = "drop"
    FLAG = "flag"


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


class RowFilter(Protocol):
    """A rule on a whole row: an instruction with one (input, output), or with a dialogue."""

    def reason(self, instruction: str, instance: Instance) -> str | None:
        """Return the name of the fault, in snake_case, or None."""
        ...


class GroupFilter(Protocol):
    """A rule on all instances of one instruction that no earlier rule has dropped."""

    def reasons(self, instances: Sequence[Instance]) -> Sequence[str | None]:
        """Return for each instance the name of its fault, or None."""
        ...


PARTS = ("instruction", "input", "output")


def parts(instruction: str, instance: Instance, wanted: Collection[str] = PARTS) -> tuple[str, ...]:
    """The texts of a row that stand in these parts; of a dialogue, `output` is every turn."""
    said = [instruction] if "instruction" in wanted else []
    if "input" in wanted:
        said.append(instance.input)
    if "output" in wanted:
        said += [each.content for each in instance.messages] or [instance.output]
    return tuple(said)


def answers(instance: Instance) -> tuple[str, ...]:
    """What the assistant says: the output, or every turn of its own in a dialogue."""
    if not instance.messages:
        return (instance.output,)
    return tuple(each.content for each in instance.messages if each.role is Role.ASSISTANT)


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
