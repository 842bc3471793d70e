"""Drops an instance whose output repeats its input."""

from dataclasses import dataclass

from app.domain.records import Instance


@dataclass(frozen=True, slots=True)
class OutputEqualsInput:
    """Self-Instruct's released code, preparation of the training data."""

    def reason(self, instance: Instance) -> str | None:
        return "output_equals_input" if instance.input == instance.output else None
