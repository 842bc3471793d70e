"""The estimate of the valid share: published intervals, and what a whole count leaves open."""

import random

import pytest

from app.domain.valid_share import valid_share


@pytest.mark.parametrize(
    ("valid", "judged", "low", "high"),
    # Newcombe 1998 (Statistics in Medicine 17, 857-872), table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_intervals_of_boundless_populations(
    valid: int, judged: int, low: float, high: float
) -> None:
    found = valid_share(valid, judged, 10**9)
    assert found.share == valid / judged
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_the_correction_narrows_until_nothing_is_left_to_chance() -> None:
    widths = [
        found.high - found.low
        for found in (valid_share(108, 200, size) for size in (52_445, 400, 220, 200))
    ]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == pytest.approx(0.6077 - 0.4708, abs=1e-3)
    assert widths[-1] == 0.0
    assert valid_share(1, 1, 1).low == 1.0


def test_what_was_seen_is_certain() -> None:
    found = valid_share(9, 10, 12)
    assert found.low >= 9 / 12
    assert found.high <= 11 / 12
    nothing = valid_share(0, 0, 5)
    assert (nothing.share, nothing.low, nothing.high) == (None, 0.0, 1.0)


@pytest.mark.parametrize("share", [0.54, 0.95])
def test_intervals_hold_the_truth_about_as_often_as_they_say(share: float) -> None:
    population, judged, draws = 300, 100, 2000
    rows = [at < share * population for at in range(population)]
    rng, held = random.Random(7), 0
    for _ in range(draws):
        found = valid_share(sum(rng.sample(rows, judged)), judged, population)
        held += found.low <= sum(rows) / population <= found.high
    assert 0.93 <= held / draws <= 0.98
