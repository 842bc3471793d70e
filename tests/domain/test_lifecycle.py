"""The tables of moves are whole, and the counts add up."""

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.lifecycle import (
    BATCH_MOVES,
    CANDIDATE_MOVES,
    FINAL_JOB_STATES,
    JOB_MOVES,
    LIVE_BATCH_STATES,
    SLOT_MOVES,
    BatchState,
    CandidateState,
    JobState,
    SlotState,
    call_counts,
    sources_of,
)


@pytest.mark.parametrize(
    ("states", "moves"),
    [
        (JobState, JOB_MOVES),
        (SlotState, SLOT_MOVES),
        (CandidateState, CANDIDATE_MOVES),
        (BatchState, BATCH_MOVES),
    ],
)
def test_every_state_has_its_moves_and_can_be_reached(
    states: type[StrEnum], moves: dict[StrEnum, frozenset[StrEnum]]
) -> None:
    assert set(moves) == set(states)
    first = next(iter(states))
    reached, frontier = {first}, [first]
    while frontier:
        for target in moves[frontier.pop()] - reached:
            reached.add(target)
            frontier.append(target)
    born_final = {CandidateState.REJECTED}
    assert reached | (born_final & set(states)) == set(states)


def test_a_batch_is_created_only_after_it_was_said_that_it_may_be() -> None:
    """So that after a crash in between it is looked for first."""
    to_running = {state for state, ends in BATCH_MOVES.items() if BatchState.RUNNING in ends}
    assert to_running == {BatchState.CREATING}
    assert BatchState.WITHDRAWN not in BATCH_MOVES[BatchState.RUNNING]
    ends = set(BatchState) - LIVE_BATCH_STATES
    assert ends == {BatchState.COLLECTED, BatchState.WITHDRAWN, BatchState.LOST}


def test_cancelled_is_the_end() -> None:
    assert not JOB_MOVES[JobState.CANCELLED]
    assert JobState.CANCELLED in FINAL_JOB_STATES
    assert sources_of(JobState.CANCELLED) == {JobState.CANCELLING}


@given(st.dictionaries(st.sampled_from(list(SlotState)), st.integers(0, 10**6)))
def test_accepted_rejected_failed_and_pending_make_issued(by_state: dict[str, int]) -> None:
    counts = call_counts(by_state)
    parts = ("accepted", "rejected", "failed", "pending")
    assert sum(counts[name] for name in parts) == counts["issued"] == sum(by_state.values())
