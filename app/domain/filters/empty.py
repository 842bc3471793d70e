"""Drops an instruction without any text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Empty:
    """Self-Instruct's first rule (Wang et al. 2023, released code)."""

    def reason(self, instruction: str) -> str | None:
        return "empty" if not instruction.strip() else None
