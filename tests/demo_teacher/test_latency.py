"""Latency: its mean, its tails, and that it is waited for."""

import statistics
import time

import pytest

from app.demo_teacher.draws import prompt_digest
from app.demo_teacher.latency import latency_s
from app.demo_teacher.settings import LatencyTail
from tests.demo_teacher.talking import complete
from tests.demo_teacher_process import start_demo_teacher


def drawn(tail: LatencyTail) -> list[float]:
    return [latency_s(tail, 2.0, 1, prompt_digest(f"{n}"), 1) for n in range(20_000)]


@pytest.mark.parametrize("tail", LatencyTail)
def test_the_mean_is_as_set(tail: LatencyTail) -> None:
    assert statistics.fmean(drawn(tail)) == pytest.approx(2.0, rel=0.05)


def test_tails() -> None:
    assert set(drawn(LatencyTail.FIXED)) == {2.0}
    assert set(drawn(LatencyTail.TWO_POINT)) == {1.0, 11.0}
    lognormal = sorted(drawn(LatencyTail.LOGNORMAL))
    assert lognormal[10_000] == pytest.approx(2.0 / 1.6487, rel=0.05)
    assert lognormal[19_800] > 5 * lognormal[10_000]


def test_a_reply_takes_its_latency() -> None:
    with start_demo_teacher(latency_s=0.3) as teacher:
        started = time.monotonic()
        complete(teacher, "x")
        assert 0.3 <= time.monotonic() - started < 1.5
