"""The paired bootstrap: what is common to both does not widen the interval."""

import numpy as np
import pytest

from app.domain.scoring import gain, score


def test_the_mean_of_differences_with_its_interval() -> None:
    found = gain([1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 5.0])
    assert (found.n, found.mean, found.low, found.high) == (4, 1.0, 1.0, 1.0)


def test_pairing_is_what_makes_it_narrow() -> None:
    random = np.random.default_rng(1)
    hard = random.normal(0, 10, 200)
    better = hard + 0.5 + random.normal(0, 0.1, 200)
    paired = gain(list(hard), list(better))
    apart = gain(list(hard), list(random.permutation(better)))
    assert paired.low > 0.4
    assert paired.high < 0.6
    assert apart.high - apart.low > 10 * (paired.high - paired.low)


def test_weights_make_it_a_ratio_of_sums() -> None:
    found = gain([10.0, 1.0], [5.0, 1.0], [10, 1])
    assert found.mean == pytest.approx(-5 / 11)
    assert found.low == pytest.approx(-0.5)
    assert found.high == pytest.approx(0.0)


def test_a_score_is_a_gain_over_nothing_times_a_hundred() -> None:
    found = score([0.2, 0.4, 0.9])
    assert found.rouge_l == pytest.approx(50.0)
    assert found.low < 50 < found.high
