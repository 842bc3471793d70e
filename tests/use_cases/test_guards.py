"""What stops a whole job, row by row of the table of how calls may end, on a real Postgres."""

import threading
from typing import Any

import orjson
import pytest

from app.db.ids import new_id
from app.domain.breaker import FAILURES_IN_A_ROW, REFUSALS_IN_A_ROW
from app.domain.lifecycle import JobState, SlotState
from app.domain.stored import Job
from app.llm.teacher import REPLY_LIMIT_BYTES, Outcome, Reply
from app.runtime import Runtime
from app.use_cases import jobs, teachers
from app.use_cases.claiming import claim
from app.use_cases.settling import store_replies
from tests import invariants
from tests.driving import teacher_of
from tests.use_cases.calling import (
    REFUSAL,
    answer,
    claimed,
    end,
    execute,
    planned,
    standing,
)

RUNNING, PAUSED = (JobState.RUNNING, None), JobState.PAUSED
ERROR: dict[str, Any] = {"status": 500, "raw": b'{"error": {"message": "Overheated."}}'}


@pytest.fixture
def job(runtime: Runtime) -> Job:
    return planned(runtime)


def test_twenty_failures_in_a_row_over_several_workers_open_the_circuit(
    runtime: Runtime, job: Job
) -> None:
    end(runtime, job, Outcome.SERVER_ERROR, FAILURES_IN_A_ROW - 1, error="Overheated.", **ERROR)
    assert standing(runtime, job) == RUNNING
    end(runtime, job, Outcome.NOT_SENT, error="Overheated.")
    assert standing(runtime, job) == (PAUSED, "teacher_unhealthy")
    assert jobs.get(runtime, job.id).detail == "The last 20 calls failed. Overheated."
    invariants.check(runtime)


def test_an_answer_in_between_keeps_it_closed_until_most_of_a_minute_failed(
    runtime: Runtime, job: Job
) -> None:
    end(runtime, job, Outcome.SERVER_ERROR, 10, **ERROR)
    end(runtime, job, Outcome.ANSWERED, 10, status=200, raw=answer())
    assert standing(runtime, job) == RUNNING
    end(runtime, job, Outcome.SERVER_ERROR, **ERROR)
    assert standing(runtime, job) == (PAUSED, "teacher_unhealthy")
    assert "11 of the 21 calls" in str(jobs.get(runtime, job.id).detail)


def test_what_failed_before_a_resume_does_not_count_again(runtime: Runtime, job: Job) -> None:
    end(runtime, job, Outcome.SERVER_ERROR, FAILURES_IN_A_ROW, **ERROR)
    jobs.resume(runtime, job.id)
    end(runtime, job, Outcome.SERVER_ERROR, FAILURES_IN_A_ROW - 1, **ERROR)
    assert standing(runtime, job) == RUNNING


def test_rate_limits_do_not_open_it_and_use_up_no_attempt(runtime: Runtime, job: Job) -> None:
    end(runtime, job, Outcome.RATE_LIMITED, 40, status=429, raw=b"{}", retry_after_s=0.0)
    assert standing(runtime, job) == RUNNING
    assert jobs.get(runtime, job.id).calls == 0
    with runtime.database.transaction() as connection:
        found = connection.exec_driver_sql("SELECT sum(failures), max(attempt) FROM slots").one()
    assert tuple(found) == (0, 1)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [(Outcome.QUOTA, "teacher_quota"), (Outcome.UNAUTHORIZED, "teacher_unauthorized")],
)
def test_no_money_and_no_access_pause_at_once_in_the_teachers_words(
    runtime: Runtime, job: Job, outcome: Outcome, reason: str
) -> None:
    end(runtime, job, outcome, error="In its own words.", status=401, raw=b"{}")
    assert standing(runtime, job) == (PAUSED, reason)
    assert jobs.get(runtime, job.id).detail == "In its own words."
    assert jobs.progress(runtime, job.id).calls["failed"] == 0


def test_ten_refusals_in_a_row_with_one_code_pause_the_job(runtime: Runtime, job: Job) -> None:
    refused = {"status": 400, "raw": REFUSAL, "error": "Not this one."}
    end(runtime, job, Outcome.REFUSED, REFUSALS_IN_A_ROW - 1, **refused)
    assert standing(runtime, job) == RUNNING
    end(runtime, job, Outcome.REFUSED, **refused)
    assert standing(runtime, job) == (PAUSED, "teacher_refused")
    assert jobs.get(runtime, job.id).detail == "Not this one."


def test_refusals_of_different_kinds_do_not(runtime: Runtime, job: Job) -> None:
    other = orjson.dumps({"error": {"message": "Too long.", "code": "context_length_exceeded"}})
    for _ in range(REFUSALS_IN_A_ROW):
        end(runtime, job, Outcome.REFUSED, status=400, raw=REFUSAL)
        end(runtime, job, Outcome.REFUSED, status=400, raw=other)
    end(runtime, job, Outcome.REFUSED, REFUSALS_IN_A_ROW - 1, status=422)
    assert standing(runtime, job) == RUNNING


def test_a_refusal_costs_one_call_and_its_words_are_kept(runtime: Runtime, job: Job) -> None:
    end(runtime, job, Outcome.REFUSED, status=400, error="Not this one.")
    call = jobs.page_calls(runtime, job.id, states=[SlotState.FAILED]).items[0]
    assert (call.attempt, call.reason, call.status) == (1, "refused", 400)
    assert (call.detail, call.cost_micro_usd) == ("Not this one.", 0)
    assert jobs.get(runtime, job.id).calls == 1


def test_unknown_outcomes_pause_a_job_that_paid_a_twentieth_of_its_cap_for_them(
    runtime: Runtime, job: Job
) -> None:
    end(runtime, job, Outcome.UNKNOWN)
    one = jobs.get(runtime, job.id).spent_micro_usd
    assert one > 0
    execute(runtime, "UPDATE jobs SET cap_micro_usd = :cap", cap=20 * one * 3)
    for _ in range(2):  # a resume allows as much again
        end(runtime, job, Outcome.UNKNOWN, 2)
        assert standing(runtime, job) == RUNNING
        end(runtime, job, Outcome.UNKNOWN, 2)
        assert standing(runtime, job) == (PAUSED, "unknown_charges")
        assert "5%" in str(jobs.get(runtime, job.id).detail)
        jobs.resume(runtime, job.id)
    invariants.check(runtime)


def test_an_unknown_outcome_is_charged_in_full_and_made_three_times_at_most(
    runtime: Runtime, job: Job
) -> None:
    for attempt in range(1, 4):
        execute(
            runtime,
            "UPDATE slots SET not_before = CASE WHEN number = 0 THEN NULL "
            "ELSE now() + interval '1 hour' END WHERE state = 'ready'",
        )
        call = claimed(runtime, job, 1)[0]
        assert call.attempt == attempt
        reserved = jobs.get(runtime, job.id).reserved_micro_usd
        before = jobs.get(runtime, job.id).spent_micro_usd
        store_replies(runtime, job.id, [Reply(call, Outcome.UNKNOWN)])
        assert jobs.get(runtime, job.id).spent_micro_usd == before + reserved
    assert jobs.progress(runtime, job.id).calls["failed"] == 1
    invariants.check(runtime)


def test_the_first_call_that_costs_more_than_was_reserved_pauses_the_job(
    runtime: Runtime, job: Job
) -> None:
    usage = {"prompt_tokens": 90_000, "completion_tokens": 90_000}
    end(runtime, job, Outcome.ANSWERED, status=200, raw=answer(usage=usage))
    stopped = jobs.get(runtime, job.id)
    assert (stopped.state, stopped.reason) == (PAUSED, "cost_above_reservation")
    assert stopped.spent_micro_usd == 90_000 * 150_000 // 10**6 + 90_000 * 600_000 // 10**6
    assert str(stopped.spent_micro_usd) in str(stopped.detail)
    invariants.check(runtime)


def test_absurd_and_missing_counts_of_tokens_charge_what_was_reserved(
    runtime: Runtime, job: Job
) -> None:
    absurd = [{"prompt_tokens": n, "completion_tokens": n} for n in (0, -1, 10**12)]
    for usage in (*absurd, None):
        call = claimed(runtime, job, 1)[0]
        reserved = jobs.get(runtime, job.id).reserved_micro_usd
        before = jobs.get(runtime, job.id).spent_micro_usd
        raw = answer(usage=usage)
        store_replies(runtime, job.id, [Reply(call, Outcome.ANSWERED, 200, raw)])
        assert jobs.get(runtime, job.id).spent_micro_usd == before + reserved
    assert standing(runtime, job) == RUNNING


@pytest.mark.parametrize("cap", [0, 1])
def test_a_cap_below_one_call_sends_none(runtime: Runtime, cap: int) -> None:
    job = planned(runtime, cap_micro_usd=cap)
    assert not claim(runtime, new_id(), job.id, 10).calls
    assert standing(runtime, job) == (JobState.SUCCEEDED, "budget_exhausted")
    assert jobs.get(runtime, job.id).spent_micro_usd == 0
    invariants.check(runtime)


def test_a_cap_lowered_below_what_is_spent_sends_nothing_more(runtime: Runtime, job: Job) -> None:
    end(runtime, job, Outcome.ANSWERED, 3, status=200, raw=answer())
    under_way = claimed(runtime, job, 2)
    jobs.change(runtime, job.id, jobs.JobChanges(cap_micro_usd=1))
    assert not claim(runtime, new_id(), job.id, 10).calls
    assert standing(runtime, job) == RUNNING
    replies = [Reply(call, Outcome.ANSWERED, 200, answer()) for call in under_way]
    store_replies(runtime, job.id, replies)
    execute(runtime, "UPDATE slots SET state = 'done' WHERE state = 'received'")
    assert not claim(runtime, new_id(), job.id, 10).calls
    assert standing(runtime, job) == (JobState.SUCCEEDED, "budget_exhausted")


def test_a_call_is_charged_at_the_price_it_was_reserved_at(runtime: Runtime, job: Job) -> None:
    call = claimed(runtime, job, 1)[0]
    dearer = {
        "input_micro_usd_per_million": 15_000_000,
        "output_micro_usd_per_million": 60_000_000,
    }
    teachers.change(runtime, teacher_of(job), dearer)
    store_replies(runtime, job.id, [Reply(call, Outcome.ANSWERED, 200, answer())])
    assert jobs.get(runtime, job.id).spent_micro_usd == 21
    end(runtime, job, Outcome.ANSWERED, status=200, raw=answer())
    assert jobs.get(runtime, job.id).spent_micro_usd == 21 + 2100
    assert standing(runtime, job) == RUNNING


def test_many_workers_that_race_for_the_last_reservation_share_it(
    runtime: Runtime, job: Job
) -> None:
    claimed(runtime, job, 1)
    one = jobs.get(runtime, job.id).reserved_micro_usd
    execute(runtime, "UPDATE jobs SET cap_micro_usd = :cap", cap=4 * one)
    found: list[int] = []

    def race() -> None:
        found.append(len(claim(runtime, new_id(), job.id, 1).calls))

    threads = [threading.Thread(target=race) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    after = jobs.get(runtime, job.id)
    assert len(found) == 24
    assert 1 <= sum(found) <= 3
    assert after.reserved_micro_usd <= 4 * one
    invariants.check(runtime)


def test_an_unreadable_reply_is_stored_charged_and_asked_for_once_more(
    runtime: Runtime, job: Job
) -> None:
    page = b"<!doctype html><title>502</title>"
    for state in (SlotState.READY, SlotState.RECEIVED):
        execute(
            runtime,
            "UPDATE slots SET not_before = CASE WHEN number = 0 THEN NULL "
            "ELSE now() + interval '1 hour' END WHERE state = 'ready'",
        )
        call = claimed(runtime, job, 1)[0]
        store_replies(runtime, job.id, [Reply(call, Outcome.UNREADABLE, 200, page)])
        found = jobs.page_calls(runtime, job.id, states=[state], limit=500).items
        assert any(str(each.id) == call.key for each in found)
    with runtime.database.transaction() as connection:
        kept = connection.exec_driver_sql("SELECT raw, cost_micro_usd FROM completions").all()
    assert [bytes(raw) for raw, _ in kept] == [page, page]
    assert all(cost > 0 for _, cost in kept)


def test_a_reply_past_the_limit_is_kept_up_to_it_with_its_true_length(
    runtime: Runtime, job: Job
) -> None:
    raw = answer()[:-1] + b" " * REPLY_LIMIT_BYTES
    call = claimed(runtime, job, 1)[0]
    reply = Reply(call, Outcome.TOO_LARGE, 200, raw[:REPLY_LIMIT_BYTES], true_length=len(raw))
    store_replies(runtime, job.id, [reply])
    with runtime.database.transaction() as connection:
        found = connection.exec_driver_sql("SELECT length(raw), true_length FROM completions").one()
    assert tuple(found) == (REPLY_LIMIT_BYTES, len(raw))
