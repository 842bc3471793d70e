"""Drops an instance whose input or output ends with a colon, which is mostly unfinished text."""

from dataclasses import dataclass

from app.domain.records import Instance


@dataclass(frozen=True, slots=True)
class TrailingColon:
    """Self-Instruct's released code, preparation of the training data."""

    def reason(self, instance: Instance) -> str | None:
        ends = (instance.input.strip().endswith(":"), instance.output.strip().endswith(":"))
        return "trailing_colon" if any(ends) else None
