"""Our whole stack under a load: real Postgres and Redis, worker processes, a job over the mock.

Like the peers it answers so many prompts, one call each (method `answer`); unlike them it also
compares every prompt with all others (ROUGE-L), stores each reply before it is read and keeps a
ledger. `run(case)` is what `benchmarks.teacher_peers.run_peer` is for the others.

What the workers cost is the kernel's count for their processes and all children, from the job's
submission to its end: a service runs already when a job comes.
"""

import json
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from app.embedded import programs
from app.runtime import Runtime, build_runtime
from app.settings import Settings
from app.use_cases import jobs
from benchmarks.process_tree import Took
from benchmarks.teacher_cases import Case, Figures
from benchmarks.teacher_mock import WORDS, Mock
from benchmarks.teacher_peers import figures
from tests.driving import add_seeds, add_teacher
from tests.end_to_end.fleet import Fleet
from tests.servers import migrated_template, running_postgres, running_redis

FINAL = {"succeeded", "failed", "cancelled", "paused"}
TICKS = os.sysconf("SC_CLK_TCK")
PATIENT = {"CULTIVAR_LEASE_S": "45", "CULTIVAR_HEARTBEAT_S": "10", "CULTIVAR_SWEEP_S": "2"}
WARM_CALLS = 200


@dataclass(frozen=True)
class Work:
    """What a job is asked for: a published method on seeds of our making."""

    method: str = "answer"
    options: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True)
class Ran:
    """Figures for the table, and what else our own run tells."""

    figures: Figures
    other_cpu_s_per_1000: dict[str, float]
    reason: str


@contextmanager
def stack(workers: int = 1) -> Iterator[tuple[Fleet, Runtime]]:
    """Servers and workers, and a runtime beside them to submit and look."""
    with (
        running_postgres() as postgres,
        running_redis() as redis,
        migrated_template(postgres) as template,
        tempfile.TemporaryDirectory() as home,
    ):
        database_url = postgres.create("bench", template)
        fleet = Fleet(database_url, redis.url, Path(home))
        settings = Settings(database_url=database_url, redis_url=redis.url, home=Path(home))
        runtime = build_runtime(settings)
        with fleet:
            for number in range(workers):
                fleet.start(programs.worker(f"generate-{number}", ["generate"]), **PATIENT)
            fleet.start(programs.worker("admit", ["admit", "export"]), **PATIENT)
            yield fleet, runtime
        runtime.close()


def run(case: Case, work: Work = Work()) -> Ran:
    """Run one case with one generate worker."""
    warm = Case("warm", 20, 0.01, WARM_CALLS)
    with stack() as (fleet, runtime):
        with Mock(warm) as mock:
            finish(runtime, submit(runtime, warm, mock, work))
        with Mock(case) as mock:
            before = spent_by(fleet)
            started_s = time.monotonic()
            job_id = submit(runtime, case, mock, work)
            if case.killed_at is not None:
                kill_when(fleet, mock, case.prompts * case.killed_at)
            reason = finish(runtime, job_id)
            wall_s = time.monotonic() - started_s
            spent = {name: cpu - before[name] for name, cpu in spent_by(fleet).items()}
            seen = mock.seen()
        memory_mb = peak_rss_mb(fleet.processes["generate-0"].pid)
        rows = jobs.progress(runtime, job_id).accepted_rows
    took = Took(0, spent.pop("generate"), memory_mb, wall_s)
    others = {name: round(cpu * 1000 / seen.prompts, 2) for name, cpu in spent.items()}
    return Ran(figures("cultivar", case, seen, took, rows), others, reason)


def submit(runtime: Runtime, case: Case, mock: Mock, work: Work) -> UUID:
    """Submit a job that makes the case's calls."""
    seeds = write_seeds(case) if work.method == "answer" else None
    limit = None if case.limit_per_s is None else round(case.limit_per_s * 60)
    record = add_teacher(
        runtime,
        mock.base_url,
        name=case.name,
        max_concurrency=case.in_flight,
        requests_per_minute=limit,
    )
    details = jobs.JobDetails(
        seed_set_id=add_seeds(runtime, seeds) if seeds else add_seeds(runtime),
        teacher_id=record.id,
        target_rows=case.prompts if seeds else 10_000_000,
        cap_calls=case.prompts * (2 if seeds else 1),
        method=work.method,
        options=dict(work.options),
    )
    return jobs.submit(runtime, details).id


def write_seeds(case: Case) -> Path:
    """A file of as many instructions as the case has prompts, none like another."""
    path = Path(tempfile.mkdtemp()) / f"{case.name}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(case.prompts):
            words = random.Random(number).choices(WORDS, k=12)
            file.write(json.dumps({"instruction": f"Explain {number}: {' '.join(words)}."}) + "\n")
    return path


def finish(runtime: Runtime, job_id: UUID) -> str:
    """Wait for a job's end and tell why it ended; a job that stands still ends the program."""
    while (job := jobs.get(runtime, job_id)).state not in FINAL:
        time.sleep(0.5)
    if job.state != "succeeded":
        raise SystemExit(f"the job ended {job.state}: {job.reason} {job.detail}")
    return str(job.reason)


def kill_when(fleet: Fleet, mock: Mock, answered: float) -> None:
    """Kill the generate worker's whole process group when so many were answered; start it anew."""
    while mock.seen().answered < answered:
        time.sleep(0.02)
    fleet.kill("generate-0")
    fleet.restart("generate-0")


def spent_by(fleet: Fleet) -> dict[str, float]:
    """CPU seconds so far of the generate worker, the admit worker and Postgres."""
    return {
        "generate": cpu_s(fleet.processes["generate-0"].pid),
        "admit": cpu_s(fleet.processes["admit"].pid),
        "postgres": servers_cpu_s(),
    }


def cpu_s(pid: int) -> float:
    """User and system time of a process, its threads and its children that have ended."""
    return _cpu_s(pid, slice(11, 15))


def _cpu_s(pid: int, columns: slice) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[columns]) / TICKS


def servers_cpu_s() -> float:
    """User and system time of every Postgres process that descends from us and still runs."""
    parents: dict[int, int] = {}
    servers: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            parents[int(entry.name)] = int(rest.split()[1])
            if name == "postgres":
                servers.append(int(entry.name))
    total = 0.0
    for pid in servers:
        with suppress(OSError):
            total += _cpu_s(pid, slice(11, 13)) if _descends(pid, parents) else 0.0
    return total


def _descends(pid: int, parents: dict[int, int]) -> bool:
    while pid in parents and pid != os.getpid():
        pid = parents[pid]
    return pid == os.getpid()


def peak_rss_mb(pid: int) -> float:
    """The most memory that a process has held."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
