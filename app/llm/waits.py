"""How long a teacher asks to be left alone, from the headers of its reply."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT_S = 600.0

_RESET = "x-ratelimit-reset"
_REMAINING = "x-ratelimit-remaining"
_EPOCH_S = 1e9
_EPOCH_MS = 1e12
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|us|µs|ns|[dhms]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|[dhms])")
_UNIT_S = {
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "ns": 1e-9,
}


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait, in (0, 600], or None where nothing usable is said; names in lower case.

    `Retry-After` may be seconds or a date, which is held against the reply's own `Date` so that a
    skewed clock does no harm. Junk, 0 and negative values count as unsaid.
    """
    sent_at = _date(headers.get("date", "")) or now
    asked = _milliseconds(headers.get("retry-after-ms", ""))
    if asked is None:
        asked = _wait(headers.get("retry-after", ""), sent_at)
    if asked is None:
        asked = _reset(headers, sent_at)
    return asked if asked is None else min(asked, LONGEST_WAIT_S)


def _wait(value: str, sent_at: datetime) -> float | None:
    seconds = _number(value)
    if seconds is None:
        until = _date(value)
        seconds = (until - sent_at).total_seconds() if until else None
    elif seconds >= _EPOCH_S:  # a moment, as some send it; as a wait it would be decades
        seconds = _until(seconds, sent_at)
    return _positive(seconds)


def _reset(headers: Mapping[str, str], sent_at: datetime) -> float | None:
    """The longest reset of the budgets that are used up, or of all when none says so."""
    resets = {name: value for name, value in headers.items() if name.startswith(_RESET)}
    waits = {name: _positive(_duration(value, sent_at)) for name, value in resets.items()}
    known = {name: wait for name, wait in waits.items() if wait is not None}
    used_up = [
        wait
        for name, wait in known.items()
        if _number(headers.get(_REMAINING + name.removeprefix(_RESET), "")) == 0
    ]
    return max(used_up or known.values(), default=None)


def _duration(value: str, sent_at: datetime) -> float | None:
    """Seconds of ``12ms``, ``6m0s``, ``1.5s``, a plain number, or a Unix time in s or ms."""
    value = value.strip().lower()
    if _DURATION.fullmatch(value):
        return sum(float(amount) * _UNIT_S[unit] for amount, unit in _PART.findall(value))
    number = _number(value)
    if number is None or number < _EPOCH_S:
        return number
    return _until(number, sent_at)


def _until(moment: float, sent_at: datetime) -> float:
    """Seconds to a Unix time in s or ms."""
    return (moment / 1e3 if moment >= _EPOCH_MS else moment) - sent_at.timestamp()


def _milliseconds(value: str) -> float | None:
    number = _number(value)
    return None if number is None else _positive(number / 1e3)


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _date(value: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _positive(seconds: float | None) -> float | None:
    return seconds if seconds is not None and seconds > 0 else None
