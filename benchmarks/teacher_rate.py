"""Four workers and two jobs on one key of a teacher that allows 20 calls a second.

Once the teacher's `requests_per_minute` is set to what it allows, once nobody said so. The share is
what was let through over what the teacher would have let through from the first call to the last.
Run: python -m benchmarks.teacher_rate [--calls 600] [--workers 4] [--jobs 2]
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from uuid import UUID

from app.runtime import Runtime
from app.use_cases import jobs
from benchmarks.teacher_stack import FINAL, stack
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import add_seeds, add_teacher

PER_S = 20
BURST = 20
LATENCY_S = 0.5


@dataclass(frozen=True)
class Limited:
    """What a run brought; `slowest` is how far the other jobs were when the first was half done."""

    limit_told: bool
    calls: int
    share_of_rate: float
    refused: int
    refused_share: float
    slowest: float


def run(*, told: bool, calls: int, workers: int, count: int) -> Limited:
    """Let `count` jobs make so many calls together."""
    options = {"rate_limit_per_s": PER_S, "burst": BURST, "latency_s": LATENCY_S, "seed": 5}
    with stack(workers) as (_, runtime), start_demo_teacher(**options) as teacher:
        limits = {"requests_per_minute": PER_S * 60} if told else {}
        record = add_teacher(runtime, teacher.base_url, name="limited", **limits)
        time.sleep(2)  # let every worker come up, so that they start together
        made = [_submit(runtime, record.id, calls // count) for _ in range(count)]
        slowest = _follow(runtime, made, calls // count)
        seen = teacher.stats()
    window_s = seen["last_reply_at"] - seen["first_request_at"] - LATENCY_S
    let_through = seen["calls"] - seen["status_429"]
    return Limited(
        told,
        let_through,
        round((let_through - 1) / (PER_S * window_s), 3),
        seen["status_429"],
        round(seen["status_429"] / seen["calls"], 4),
        round(slowest, 2),
    )


def _submit(runtime: Runtime, teacher_id: UUID, calls: int) -> UUID:
    details = jobs.JobDetails(
        seed_set_id=add_seeds(runtime),
        teacher_id=teacher_id,
        target_rows=1_000_000,
        cap_calls=calls,
    )
    return jobs.submit(runtime, details).id


def _follow(runtime: Runtime, made: list[UUID], calls: int) -> float:
    slowest = 1.0
    halfway = False
    while True:
        found = [jobs.get(runtime, job_id) for job_id in made]
        done = [sum(_ended(runtime, job.id).values()) / calls for job in found]
        if not halfway and max(done) >= 0.5:
            halfway, slowest = True, min(done) / max(done)
        if all(job.state in FINAL for job in found):
            return slowest
        time.sleep(0.2)


def _ended(runtime: Runtime, job_id: UUID) -> dict[str, int]:
    calls = jobs.progress(runtime, job_id).calls
    return {name: calls[name] for name in ("accepted", "rejected", "failed")}


def main() -> None:
    """Print a table and, last, one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=600)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    results = [
        run(told=told, calls=given.calls, workers=given.workers, count=given.jobs)
        for told in (True, False)
    ]
    print(f"{'limit told':12}{'calls':>8}{'share':>8}{'429s':>7}{'of calls':>10}{'fairness':>10}")
    for each in results:
        print(
            f"{each.limit_told!s:12}{each.calls:>8}{each.share_of_rate:>8}{each.refused:>7}"
            f"{each.refused_share:>10.2%}{each.slowest:>10}"
        )
    print(json.dumps([asdict(each) for each in results]))


if __name__ == "__main__":
    main()
