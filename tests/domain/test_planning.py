"""How many conversations to begin, and when a job is over."""

from dataclasses import replace

import pytest

from app.domain.lifecycle import JobReason
from app.domain.planning import (
    NoveltyWindow,
    Standing,
    answers_to_begin,
    proposals_to_begin,
    reason_to_end,
)

FRESH = Standing(
    target_rows=100,
    accepted_rows=0,
    proposals_begun=0,
    proposals_open=0,
    answers_begun=0,
    answers_open=0,
    candidates_waiting=0,
    candidates_unanswered=0,
    novel=0,
    duplicates=0,
    parsed=0,
)
OPEN_WINDOW = NoveltyWindow(judged=0, novel=0, full=200, floor=0.02)


def end(standing: Standing, window: NoveltyWindow = OPEN_WINDOW, **given: object) -> object:
    values = {"calls": 0, "cap_calls": 1000, "whole_rounds": False, **given}
    return reason_to_end(standing, window, **values)  # pyright: ignore[reportArgumentType]


def test_begins_as_many_proposals_as_the_target_needs_and_the_teacher_takes() -> None:
    assert proposals_to_begin(FRESH, most_open=500) == 34
    assert proposals_to_begin(FRESH, most_open=20) == 20
    assert proposals_to_begin(replace(FRESH, proposals_open=20), most_open=20) == 0


def test_begins_fewer_where_each_brings_many() -> None:
    assert proposals_to_begin(replace(FRESH, expected_novel=8.0), most_open=500) == 13
    told = replace(FRESH, expected_novel=8.0, proposals_begun=4, novel=8)
    assert told.novel_per_proposal == 16 / 5, "what is seen soon outweighs what was expected"


def test_counts_on_what_is_under_way() -> None:
    enough = replace(FRESH, candidates_unanswered=60, answers_begun=40, answers_open=40)
    assert proposals_to_begin(enough, most_open=500) == 0


@pytest.mark.parametrize("poor_yield", [1, 5, 50])
def test_something_is_always_begun_while_rows_are_missing_and_nothing_is_open(
    poor_yield: int,
) -> None:
    dry = replace(FRESH, proposals_begun=poor_yield, answers_begun=poor_yield, duplicates=900)
    assert proposals_to_begin(dry, most_open=20) >= 1


def test_answers_only_what_the_target_still_needs() -> None:
    known = replace(FRESH, accepted_rows=95, answers_begun=95, candidates_unanswered=50)
    assert answers_to_begin(known) == 5


def test_answers_a_share_first_to_learn_the_yield() -> None:
    assert answers_to_begin(replace(FRESH, candidates_unanswered=100)) == 25
    small = replace(FRESH, target_rows=8, candidates_unanswered=100)
    assert answers_to_begin(small) == 8


def test_the_target_ends_a_job_at_once_or_after_the_round() -> None:
    busy = replace(FRESH, accepted_rows=100, answers_open=3)
    assert end(busy) is JobReason.TARGET_REACHED
    assert end(busy, whole_rounds=True) is None
    assert end(replace(busy, answers_open=0), whole_rounds=True) is JobReason.TARGET_REACHED


def test_the_cap_of_calls_ends_a_job() -> None:
    assert end(FRESH, calls=1000) is JobReason.CALLS_EXHAUSTED
    assert end(FRESH, calls=999) is None


def test_exhausted_novelty_ends_a_job_once_all_is_answered() -> None:
    spent = NoveltyWindow(judged=200, novel=3, full=200, floor=0.02)
    assert end(FRESH, spent) is JobReason.NOVELTY_EXHAUSTED
    assert end(replace(FRESH, answers_open=1), spent) is None
    assert end(FRESH, replace(spent, novel=4)) is None
    assert end(FRESH, replace(spent, judged=199)) is None


def test_replies_that_hold_nothing_end_a_job() -> None:
    silent = replace(FRESH, proposals_begun=20)
    assert end(silent) is JobReason.NO_USABLE_REPLIES
    assert end(replace(silent, proposals_open=1)) is None
    assert end(replace(silent, parsed=1)) is None
