"""When the circuit opens: calls with their ages in, a reason out, and no clock anywhere."""

import random

import pytest

from app.domain.breaker import (
    FAILURES_IN_A_ROW,
    HEALTHY,
    REFUSALS_IN_A_ROW,
    TELLING,
    WINDOW_S,
    Ended,
    refused_alike,
    too_much_unknown,
    unhealthy,
)
from app.domain.settlement import UNHEALTHY, Ending

GOOD, BAD = Ending.ANSWERED, Ending.SERVER_ERROR


def ended(*endings: Ending, age_s: float = 1.0) -> list[Ended]:
    return [Ended(each, age_s) for each in endings]


def test_stays_closed_without_calls() -> None:
    assert unhealthy([]) is None


def test_opens_at_twenty_failures_in_a_row_however_long_they_took() -> None:
    failed = ended(*[BAD] * FAILURES_IN_A_ROW, age_s=3600.0)
    assert unhealthy(failed[1:]) is None
    assert unhealthy(failed) == "The last 20 calls failed."
    assert unhealthy([*failed[1:], Ended(GOOD, 3600.0), failed[0]]) is None


@pytest.mark.parametrize("ending", sorted(UNHEALTHY))
def test_every_ending_without_a_usable_answer_counts(ending: Ending) -> None:
    assert unhealthy(ended(*[ending] * FAILURES_IN_A_ROW))


@pytest.mark.parametrize("ending", sorted(set(Ending) - TELLING))
def test_what_says_nothing_of_the_teacher_neither_counts_nor_breaks_a_row(ending: Ending) -> None:
    assert unhealthy(ended(*[ending] * 100)) is None
    mixed = ended(*[BAD, ending] * FAILURES_IN_A_ROW)
    assert unhealthy(mixed)
    assert unhealthy(mixed[2:]) is None


@pytest.mark.parametrize("ending", sorted(HEALTHY))
def test_a_refusal_and_a_reply_too_large_show_that_the_teacher_serves(ending: Ending) -> None:
    failed = ended(*[BAD] * FAILURES_IN_A_ROW, age_s=3600.0)
    assert unhealthy([*failed[1:], Ended(ending, 3600.0), *failed]) is None


def test_opens_when_more_than_half_of_the_last_minute_failed() -> None:
    half = ended(*[BAD, GOOD] * 20)
    assert unhealthy(half) is None
    assert unhealthy([*ended(BAD), *half]) == "21 of the 41 calls of the last 60 seconds failed."


def test_the_window_slides_by_the_ages_it_is_given() -> None:
    young, old = ended(*[GOOD, BAD, BAD] * 7), ended(*[GOOD] * 100, age_s=WINDOW_S)
    assert unhealthy([*young, *old]) is None
    assert unhealthy([*young, *ended(*[GOOD] * 100, age_s=WINDOW_S + 0.1)])


def test_a_few_calls_are_no_window() -> None:
    assert unhealthy(ended(*[GOOD, BAD, BAD, BAD] * 4)) is None


def test_agrees_with_a_plain_count_on_any_calls() -> None:
    rng = random.Random(5)
    for _ in range(300):
        endings = rng.choices(list(Ending), k=rng.randint(0, 80))
        calls = [Ended(each, rng.uniform(0, 2 * WINDOW_S)) for each in endings]
        telling = [each.ending in UNHEALTHY for each in calls if each.ending in TELLING]
        recent = [
            each.ending in UNHEALTHY
            for each in calls
            if each.ending in TELLING and each.age_s <= WINDOW_S
        ]
        in_a_row = len(telling) >= 20 and all(telling[:20])
        most = len(recent) >= 20 and sum(recent) / len(recent) > 0.5
        assert bool(unhealthy(calls)) is (in_a_row or most)


def test_ten_refusals_in_a_row_count_only_with_one_code() -> None:
    same: list[str | None] = ["400 content_policy"] * REFUSALS_IN_A_ROW
    assert refused_alike(same)
    assert not refused_alike(same[1:])
    assert not refused_alike([*same[1:], "400 too_long"])
    assert not refused_alike([None, *same[1:]])
    assert not refused_alike([None] * REFUSALS_IN_A_ROW)
    assert refused_alike([*same, None, "422"])


def test_five_per_cent_of_the_cap_may_be_unknown() -> None:
    assert not too_much_unknown(50, 1000)
    assert too_much_unknown(51, 1000)
    assert not too_much_unknown(10**9, None)
    assert not too_much_unknown(0, 0)
