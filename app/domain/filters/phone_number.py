"""Drops a row with a telephone number in it that may be somebody's."""

import re
from dataclasses import dataclass

from app.domain.filter import parts
from app.domain.records import Instance

_NUMBER = re.compile(
    r"(?<![\w.+/=-])(?:"
    r"\+[1-9]\d{0,2}(?:[ .-]?\(\d{1,4}\))?(?:[ .-]?\d{2,5}){2,5}"  # international, ITU-T E.164
    r"|(?:1[ .-])?\(\d{3}\) ?\d{3}[ .-]\d{4}"  # North America
    r"|(?:1[.-])?\d{3}([.-])\d{3}\1\d{4}"
    r"|1[3-9]\d{9}"  # mobile, China
    r")(?![\w=-]|\.\d)",
    re.ASCII,
)
# Any of them has this in it; looking for it is many times faster.
_SIGN = re.compile(r"\d\d[\d ().-]{5}")
_FEWEST, _MOST = 8, 15  # digits, country code included
_DIGIT_RUNS = ("0123456789", "1234567890", "9876543210")


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """Personal data by pattern, as Dolma's redaction finds it (arXiv:2402.00159).

    North American numbers of the exchange 555 belong to nobody or to directory inquiries, and so
    do digits in a row.
    """

    def reason(self, instruction: str, instance: Instance) -> str | None:
        return "phone_number" if any(map(_found, parts(instruction, instance))) else None


def _found(text: str) -> bool:
    if not _SIGN.search(text):
        return False
    return any(_is_somebodys(each[0]) for each in _NUMBER.finditer(text))


def _is_somebodys(number: str) -> bool:
    digits = "".join(filter(str.isdigit, number))
    if not _FEWEST <= len(digits) <= _MOST or len(set(digits)) <= 2:
        return False
    last_ten = digits[-10:]
    return last_ten[-7:-4] != "555" and not any(last_ten in run * 2 for run in _DIGIT_RUNS)
