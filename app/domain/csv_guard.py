"""Cells of a table that no spreadsheet program takes for a formula, and the same texts back.

A cell that begins with one of `= + - @`, a tab or a carriage return, be it behind white space or
quotation marks or in a full-width form, gets an apostrophe before it (OWASP, CSV Injection). What
begins with apostrophes and then such a sign gets one more, so that taking one away is exact.
"""

import re

_FORMULA = re.compile(
    "[\\s'\"`\u2018\u2019\u201c\u201d\uff07\uff02]*[=+\\-@\uff1d\uff0b\uff0d\uff20]"
)
_CONTROL = re.compile("[\\s'\"]*[\t\r]")


def guarded(text: str) -> str:
    """The text as a cell."""
    return f"'{text}" if _is_risky(text) else text


def unguarded(cell: str) -> str:
    """The text of a cell; a spreadsheet program may have taken the apostrophe away itself."""
    return cell[1:] if cell.startswith("'") and _is_risky(cell[1:]) else cell


def _is_risky(text: str) -> bool:
    return bool(_FORMULA.match(text) or _CONTROL.match(text))
