"""Drops an instance whose input or output ends with a colon, which is mostly unfinished text."""

from dataclasses import dataclass

from app.domain.records import Instance


@dataclass(frozen=True, slots=True)
class TrailingColon:
    """Self-Instruct's released code, preparation of the training data; Chinese has a wide colon."""

    colons: tuple[str, ...] = (":",)

    def reason(self, instance: Instance) -> str | None:
        ends = (text.strip().endswith(self.colons) for text in (instance.input, instance.output))
        return "trailing_colon" if any(ends) else None
