"""Whatever bytes come, no reader has an accident, and none takes long over a few of them."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

LONGEST_S = 5.0
CALM = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
SPLICES = (
    b"\x00",
    b"\n",
    b'"',
    b"{",
    b"[",
    b"\\ud800",
    b"\xff",
    b"9" * 400,
    b"[" * 2_000,
    b"1e999",
)


@st.composite
def mutated(draw: st.DrawFn, corpus: tuple[bytes, ...]) -> bytes:
    """A seed with pieces cut out, doubled and put in; or anything."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=200))
    data = draw(st.sampled_from(corpus))
    for _ in range(draw(st.integers(0, 4))):
        at, to = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        piece = draw(st.sampled_from(SPLICES) | st.binary(max_size=8) | st.just(data[at:to] * 3))
        data = (data[:at] + piece + data[to:])[:20_000]
    return data


def attack(name: str, examples: int) -> None:
    target, corpus = TARGETS[name]
    for each in corpus:
        target(each)

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=CALM)
    @given(mutated(tuple(corpus)))
    def run(data: bytes) -> None:
        started_s = time.monotonic()
        target(data)
        assert time.monotonic() - started_s < LONGEST_S

    run()


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_hundred_mutations(name: str) -> None:
    attack(name, 200)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", TARGETS)
def test_ten_thousand_mutations(name: str) -> None:
    attack(name, 10_000)
