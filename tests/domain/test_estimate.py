"""What a job will come to: counts in, expected and upper amounts out."""

from dataclasses import replace

import pytest

from app.domain.estimate import (
    Embeddings,
    Expected,
    Grounds,
    Pace,
    Talk,
    Yields,
    estimate,
    first_wave,
    learnt_yields,
)

GROUNDS = Grounds(
    target_rows=100,
    cap_calls=1000,
    cap_micro_usd=None,
    yields=Yields(novel_per_proposal=4.0, rows_per_answer=1.0),
    proposing=Talk(1, 300, 200),
    answering=Talk(2, 1000, 100),
    most_prompt_tokens=5000,
    most_completion_tokens=1000,
    pace=Pace(latency_s=2.0, concurrency=10),
    cost=lambda prompt, completion: prompt + 2 * completion,
)


def test_the_work_follows_from_the_yields() -> None:
    found = estimate(GROUNDS)
    assert found.rows == 100
    assert found.calls == Expected(25 + 200, 1000)
    assert found.prompt_tokens == Expected(25 * 300 + 100 * 1000, 5_000_000)
    assert found.completion_tokens == Expected(25 * 200 + 100 * 100, 1_000_000)
    assert found.micro_usd == Expected(107_500 + 2 * 15_000, 7_000_000)
    assert found.micro_usd_per_row == 1375
    assert found.expected_s == 45  # 225 calls, ten at once, two seconds each


def test_a_job_under_strict_order_takes_whole_rounds_one_after_the_other() -> None:
    pace = replace(GROUNDS.pace, round_size=10)
    found = estimate(replace(GROUNDS, pace=pace))
    assert found.calls.expected == 30 + 200
    # Three rounds: ten proposals at once, then 33 or 34 answers of two calls in four waves.
    assert found.expected_s == 2 * 3 * (1 + 4 * 2)


@pytest.mark.parametrize(
    ("pace", "seconds"),
    [
        (Pace(2.0, 10, requests_per_minute=30), 450),
        (Pace(2.0, 10, tokens_per_minute=12_250), 600),
        (Pace(2.0, 10, requests_per_minute=10**6, tokens_per_minute=10**8), 45),
        (Pace(2.0, 1000), 6),  # a call to propose and two to answer follow one another
    ],
)
def test_the_slowest_limit_sets_the_time(pace: Pace, seconds: int) -> None:
    grounds = replace(GROUNDS, yields=Yields(0.1, 1.0)) if pace.concurrency > 10 else GROUNDS
    assert estimate(replace(grounds, pace=pace)).expected_s == seconds


def test_caps_bound_and_cut_short() -> None:
    half = estimate(replace(GROUNDS, cap_calls=112))
    assert (half.calls, half.rows) == (Expected(112, 112), 49)
    poor = estimate(replace(GROUNDS, cap_micro_usd=13_750))
    assert poor.micro_usd == Expected(13_750, 13_750)
    assert (poor.rows, poor.calls.expected) == (10, 23)
    assert estimate(replace(GROUNDS, cap_micro_usd=0)).rows == 0


def test_what_is_embedded_is_paid_for() -> None:
    extra = Embeddings(seed_tokens=500, candidate_tokens=10.0, cost=lambda tokens: 3 * tokens)
    found = estimate(replace(GROUNDS, embeddings=extra))
    assert found.embedding_tokens == Expected(500 + 1250, 1_000_500)
    assert found.micro_usd == Expected(137_500 + 3 * 1750, 7_000_000 + 3 * 1_000_500)


def test_without_prices_there_is_no_money() -> None:
    found = estimate(replace(GROUNDS, cost=None, cap_micro_usd=5))
    assert found.micro_usd is found.micro_usd_per_row is None
    assert found.rows == 100


def test_a_job_begins_many_proposals_before_it_knows_its_yields() -> None:
    rich = replace(GROUNDS, yields=Yields(50.0, 1.0))
    assert first_wave(rich) == 10
    assert estimate(rich).calls.expected == 10 + 200
    assert first_wave(replace(rich, pace=Pace(1.0, 10, round_size=5))) == 0


def test_yields_are_learnt_and_little_evidence_counts_little() -> None:
    nothing = learnt_yields(proposals=0, novel=0, duplicates=0, answers=0, rows=0)
    assert nothing == Yields()
    much = learnt_yields(proposals=1000, novel=6000, duplicates=2000, answers=6000, rows=3000)
    assert much.novel_per_proposal == pytest.approx(6.0, rel=0.01)
    assert much.rows_per_answer == pytest.approx(0.5, rel=0.01)
    assert much.novel_share == pytest.approx(0.75, rel=0.01)
    barren = learnt_yields(proposals=1000, novel=0, duplicates=0, answers=1000, rows=0)
    assert (barren.novel_per_proposal, barren.rows_per_answer) == (0.1, 0.1)
