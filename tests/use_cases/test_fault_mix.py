"""A teacher on a bad day: a third of its calls meet something, and nothing is lost or doubled."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.domain.lifecycle import JobState, SlotState
from app.domain.settlement import MOST_UNPAID_FAILURES, MOST_UNREADABLE_FAILURES
from app.domain.stored import Job
from app.runtime import Runtime
from app.use_cases import jobs
from tests import invariants
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import Driver
from tests.use_cases.calling import submitted

CALLS = 600
_BAD_DAY = {"mix": 1, "429_seconds": 0.03, "429_date": 0.01, "nul": 0.02, "surrogate": 0.02}
_UNPAID_DAY = {
    **dict.fromkeys(("500", "502", "503", "504"), 0.06),
    **dict.fromkeys(("408", "409", "429_seconds"), 0.02),
}
_NEVER_REPEATED = {"empty_choices", "null_content", "content_filter", "length", "nul", "surrogate"}
_UNPAID = {"429_seconds", "429_date", "500", "502", "503", "504", "408", "409", "redirect"}


def test_a_bad_day_loses_nothing_and_doubles_nothing(
    runtime: Runtime, driver: Driver, tmp_path: Path
) -> None:
    log = tmp_path / "arrivals.jsonl"
    with start_demo_teacher(
        latency_s=0.01,
        seed=11,
        faults=_BAD_DAY,
        retry_after_s=1,
        late_s=30,
        hang_s=30,
        huge_mib=9,
        log=str(log),
    ) as teacher:
        job = submitted(
            runtime,
            teacher.base_url,
            teacher={"max_concurrency": 40, "timeout_s": 8.0},
            target_rows=10_000,
            cap_calls=CALLS,
            cap_micro_usd=10**9,
        )
        ended = driver.finish(job.id, timeout_s=280)
    assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "calls_exhausted"), ended.detail
    arrivals = [json.loads(line) for line in log.read_text().splitlines()]
    _check_calls(runtime, job, arrivals)
    _check_money(runtime, job, arrivals)
    _check_waits(arrivals)
    invariants.check(runtime)


def test_faults_that_cost_nothing_waste_nothing(runtime: Runtime, driver: Driver) -> None:
    with start_demo_teacher(latency_s=0.01, seed=5, faults=_UNPAID_DAY, retry_after_s=1) as teacher:
        job = submitted(
            runtime,
            teacher.base_url,
            teacher={"max_concurrency": 40},
            target_rows=10_000,
            cap_calls=200,
            cap_micro_usd=10**9,
        )
        ended = driver.finish(job.id, timeout_s=120)
        for _ in range(3):  # by chance most of twenty calls may have failed
            if ended.reason == "teacher_unhealthy":
                jobs.resume(runtime, job.id)
                ended = driver.finish(job.id, timeout_s=120)
        stats = teacher.stats()
    assert (ended.state, ended.reason) == (JobState.SUCCEEDED, "calls_exhausted"), ended.detail
    assert stats["calls"] - stats["outcomes"]["ok"] > 30
    outcomes = _outcomes(runtime, job)
    assert outcomes["answered"] / sum(outcomes.values()) >= 0.95
    assert sum(outcomes.values()) == 200
    invariants.check(runtime)


def _check_calls(runtime: Runtime, job: Job, arrivals: Sequence[Mapping[str, Any]]) -> None:
    """Each attempt arrived once, none more than was promised, and the calls add up."""
    seen = Counter(each["idempotency_key"] for each in arrivals)
    assert max(seen.values()) == 1
    unpaid = sum(each["outcome"] in _UNPAID for each in arrivals)
    assert len(arrivals) - unpaid == CALLS
    calls = jobs.progress(runtime, job.id).calls
    assert calls["pending"] == 0
    assert calls["issued"] == calls["accepted"] + calls["rejected"] + calls["failed"]
    met: defaultdict[str, list[str]] = defaultdict(list)
    for each in arrivals:
        if not each["outcome"].startswith("429"):  # a rate limit uses up no attempt
            met[each["idempotency_key"].rsplit("-", 1)[0]].append(each["outcome"])
    for outcomes in met.values():
        assert len(outcomes) <= MOST_UNPAID_FAILURES
        assert sum(each in {"truncated", "html"} for each in outcomes) <= MOST_UNREADABLE_FAILURES
        assert not set(outcomes[:-1]) & _NEVER_REPEATED


def _check_money(runtime: Runtime, job: Job, arrivals: Sequence[Mapping[str, Any]]) -> None:
    """No call is wasted but those that met a fault which is paid."""
    outcomes = _outcomes(runtime, job)
    wasted = sum(outcomes.get(each, 0) for each in ("unknown", "unreadable", "too_large"))
    harmless = _UNPAID | _NEVER_REPEATED | {"ok", "no_usage", "absurd_usage"}
    paid_faults = Counter(each["outcome"] for each in arrivals if each["outcome"] not in harmless)
    assert 0 < wasted <= paid_faults.total(), (outcomes, paid_faults)
    assert wasted / sum(outcomes.values()) < 0.15
    errors = jobs.progress(runtime, job.id).errors
    assert {"rate_limited", "server_error", "unknown", "unreadable", "redirected"} <= set(errors)
    rejected = jobs.page_calls(runtime, job.id, states=[SlotState.REJECTED], limit=500).items
    reasons = {each.reason for each in rejected}
    assert {"empty_choices", "null_content", "content_filter"} <= reasons
    assert {"nul_character", "lone_surrogate"} & reasons
    assert all(each.cost_micro_usd for each in rejected)


def _outcomes(runtime: Runtime, job: Job) -> Mapping[str, int]:
    query = sa.text(
        "SELECT outcome, count(*) FROM completions "
        "WHERE job_id = :job AND cost_micro_usd > 0 GROUP BY outcome"
    )
    with runtime.database.transaction() as connection:
        return {row[0]: row[1] for row in connection.execute(query, {"job": job.id})}


def _check_waits(arrivals: Sequence[Mapping[str, Any]]) -> None:
    """Once a 429 is out, nothing new arrives before the wait that it named is over.

    What was on its way already may still come: half a second is allowed for that.
    """
    times = sorted(each["time"] for each in arrivals)
    windows = 0
    for each in arrivals:
        wait_s = _wait_s(each)
        if wait_s is None:
            continue
        windows += 1
        begins, ends = each["time"] + 0.5, each["time"] + wait_s
        assert not [at for at in times if begins < at < ends - 0.01]
    assert windows > 10


def _wait_s(arrival: Mapping[str, Any]) -> float | None:
    if not arrival["outcome"].startswith("429") or arrival["retry_after"] is None:
        return None
    try:
        return float(arrival["retry_after"])
    except ValueError:
        at = parsedate_to_datetime(arrival["retry_after"]).timestamp()
        return at - arrival["time"]
