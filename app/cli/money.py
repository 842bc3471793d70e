"""US dollars from the command line, exact to the millionth."""

from decimal import Decimal, InvalidOperation
from typing import Annotated

from typer import BadParameter, Option

_MICRO = 1_000_000


def micro_usd(text: str) -> int:
    """Dollars such as 0.15 in micro-USD; raises BadParameter, which is wrong usage."""
    try:
        amount = Decimal(text.strip().removeprefix("$")) * _MICRO
    except InvalidOperation:
        raise BadParameter(f"{text!r} is not an amount in US dollars such as 0.15") from None
    if not amount.is_finite() or amount < 0:
        raise BadParameter(f"{text!r} must be zero or more")
    if amount != amount.to_integral_value():
        raise BadParameter(f"{text!r} has more than six digits after the point")
    return int(amount)


Money = Annotated[
    int | None, Option(parser=micro_usd, metavar="USD", help="US dollars to spend at most")
]
Price = Annotated[
    int | None, Option(parser=micro_usd, metavar="USD", help="US dollars per million tokens")
]
BatchPrice = Annotated[
    int | None,
    Option(parser=micro_usd, metavar="USD", help="the same for calls in batches; never guessed"),
]
