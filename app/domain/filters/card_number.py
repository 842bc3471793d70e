"""Drops a row with what can be the number of a payment card in it."""

import re
from dataclasses import dataclass

from app.domain.filter import parts
from app.domain.records import Instance

# 13 to 19 digits, of networks that issue payment cards (ISO/IEC 7812), bare or in groups.
_NUMBER = re.compile(r"[2-6](?<![\w.+-][2-6])\d{3}(?:[ -]?\d{2,6}){2,4}(?![\w-]|\.\d)", re.ASCII)
_FEWEST, _MOST = 13, 19


@dataclass(frozen=True, slots=True)
class CardNumber:
    """Personal data by pattern; only numbers whose check digit is right, by Luhn's formula.

    (US patent 2,950,048.) Numbers that networks set aside for tests pass it as well.
    """

    def reason(self, instruction: str, instance: Instance) -> str | None:
        return "card_number" if any(map(_found, parts(instruction, instance))) else None


def _found(text: str) -> bool:
    for each in _NUMBER.finditer(text):
        digits = [int(char) for char in each[0] if char.isdigit()]
        if _FEWEST <= len(digits) <= _MOST and len(set(digits)) > 2 and _checks(digits):
            return True
    return False


def _checks(digits: list[int]) -> bool:
    """Luhn: every second digit from the right doubled and its digits added, in all divisible."""
    doubled = (sum(divmod(2 * each, 10)) for each in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
