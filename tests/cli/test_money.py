"""Dollars become micro-dollars without a rounding."""

import pytest
from typer import BadParameter

from app.cli.money import micro_usd
from app.cli.terminal import dollars


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("5", 5_000_000), ("0.15", 150_000), ("$0.000001", 1), ("1e3", 1_000_000_000)],
)
def test_amounts(text: str, expected: int) -> None:
    assert micro_usd(text) == expected


@pytest.mark.parametrize("text", ["", "five", "-1", "0.0000001", "nan", "inf", "1,5"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(BadParameter):
        micro_usd(text)


@pytest.mark.parametrize(
    ("micro", "expected"),
    [
        (None, "-"),
        (0, "$0.0000"),
        (7, "$0.000007"),
        (150_000, "$0.1500"),
        (10**12, "$1,000,000.0000"),
    ],
)
def test_dollars(micro: int | None, expected: str) -> None:
    assert dollars(micro) == expected
