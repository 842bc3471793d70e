"""Numbers, money and times as people write them."""

from datetime import UTC, datetime

_MICRO = 1_000_000
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


def number(value: float) -> str:
    """Thousands apart by a space that does not break."""
    text = f"{value:,}".removesuffix(".0")
    return text.replace(",", "\N{NARROW NO-BREAK SPACE}")


def dollars(micro_usd: int) -> str:
    """Money with as many digits as small amounts need."""
    amount = micro_usd / _MICRO
    return f"${amount:,.2f}" if amount >= 100 else f"${amount:,.4f}"


def duration(seconds: float) -> str:
    """Seconds in the two units that matter."""
    whole = int(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"
    return f"{whole // _DAY_S} d {whole % _DAY_S // _HOUR_S} h"


def moment(value: datetime) -> str:
    """A time as people write it."""
    return value.astimezone(UTC).strftime("%d %b %Y, %H:%M UTC")


def size(count: int) -> str:
    """Bytes in the unit that suits them."""
    if count < 1000:
        return f"{count} B"
    amount = count / 1000
    for unit in ("kB", "MB"):
        if amount < 1000:
            return f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
