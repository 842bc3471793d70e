"""Drops an instance without output."""

from dataclasses import dataclass

from app.domain.records import Instance


@dataclass(frozen=True, slots=True)
class EmptyOutput:
    """Self-Instruct's released code, preparation of the training data."""

    def reason(self, instance: Instance) -> str | None:
        return "empty_output" if not instance.output.strip() else None
