"""A teacher's concurrency is divided evenly, used whole, and passed by nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.sharing import READY_S, Demand, ready_calls, share_of

counts = st.integers(0, 300)
demands = st.builds(Demand, counts, counts, counts, st.integers(0, 5), st.integers(0, 5))


def test_alone_all_of_it_and_a_few_held_ready() -> None:
    share = share_of(100, Demand(0, 0, 0), able=1000, latency_s=1.0)
    assert (share.window, share.room) == (100, 140)


def test_calls_held_ready_are_those_of_a_moment() -> None:
    assert ready_calls(100, 1.0) == round(100 * READY_S)
    assert ready_calls(100, 50.0) == 2
    assert ready_calls(20, 0.01) == 20
    assert ready_calls(16, 0.01) == 0


def test_two_jobs_of_one_worker_get_half_each_and_the_process_all() -> None:
    demand = Demand(mine=0, beside_me=60, elsewhere=0, hungry_beside_me=1)
    share = share_of(100, demand, able=1000, latency_s=1.0)
    assert share.window == 100
    assert share.room == 70  # half, and half of what is held ready


def test_a_hungry_worker_makes_another_shrink() -> None:
    late = Demand(mine=0, beside_me=0, elsewhere=140, hungry_elsewhere=1)
    assert share_of(100, late, able=1000, latency_s=1.0).room == 0
    early = Demand(mine=139, beside_me=0, elsewhere=0, hungry_elsewhere=1)
    shrunk = share_of(100, early, able=1000, latency_s=1.0)
    assert (shrunk.window, shrunk.room) == (50, 0)


def test_what_a_content_worker_does_not_use_is_there_for_others() -> None:
    demand = Demand(mine=0, beside_me=0, elsewhere=10)
    share = share_of(100, demand, able=1000, latency_s=1.0)
    assert (share.window, share.room) == (100, 130)


def test_a_teacher_that_is_overloaded_gets_what_it_can_take() -> None:
    assert share_of(100, Demand(0, 0, 0), able=7, latency_s=1.0).room == 7


@pytest.mark.parametrize("most", [1, 3, 100])
@given(demand=demands, able=st.integers(1, 1000), latency_s=st.floats(0.001, 600.0))
def test_no_share_passes_what_is_free(
    most: int, demand: Demand, able: int, latency_s: float
) -> None:
    share = share_of(most, demand, able=able, latency_s=latency_s)
    held = demand.mine + demand.beside_me + demand.elsewhere
    assert 0 <= share.room <= max(0, most + ready_calls(most, latency_s) - held)
    assert 1 <= share.window <= most
