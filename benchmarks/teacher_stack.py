"""Our whole stack under load: real Postgres and Redis, worker processes, a job that makes N calls.

The teacher is a process that answers every request after a while and keeps the time from the first
request in to the last reply out. What a worker costs is read from the kernel's count for its
process and all children, from the job's submission to its end; it has been warmed up by then, as
the worker of a running service is.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx

from app.embedded import programs
from app.runtime import Runtime, build_runtime
from app.settings import Settings
from app.use_cases import jobs
from benchmarks.teacher_door import Case, SlowAnswers
from tests.driving import add_seeds, add_teacher
from tests.end_to_end.fleet import Fleet
from tests.servers import migrated_template, running_postgres, running_redis

FINAL = {"succeeded", "failed", "cancelled", "paused"}
TICKS = os.sysconf("SC_CLK_TCK")
WORDS = [
    first + second + third
    for first in ("ba", "ke", "lo", "mi", "nu", "pa", "re", "so", "ti", "vu", "da", "fe", "go")
    for second in ("lan", "mer", "nis", "pol", "run", "sad", "tev", "wik", "zor", "gam", "hud")
    for third in ("", "a", "el", "in", "os", "um")
]


@dataclass(frozen=True)
class Measured:
    """What a run cost; `calls` is what the teacher saw."""

    client: str
    in_flight: int
    calls: int
    share_of_ideal: float
    cpu_s_per_1000: float
    admit_cpu_s_per_1000: float
    postgres_cpu_s_per_1000: float
    peak_rss_mb: float
    most_in_flight: int
    rows: int


class Answers(SlowAnswers):
    """A teacher that proposes tasks without end, calls none classification, and answers them."""

    rng = random.Random(0)
    tail = "fixed"
    calls = 0
    in_flight = 0
    most = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with no request."""
        super().connection_made(transport)
        self.step = b""

    def data_received(self, data: bytes) -> None:
        """Answer once a request is whole."""
        self.read += data
        head, separator, body = self.read.partition(b"\r\n\r\n")
        if not separator:
            return
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
        if len(body) < int(fields.get(b"content-length", b"0")):
            return
        self.read = b""
        if head.startswith(b"GET"):
            self.tell()
            return
        now = time.monotonic()
        cls = Answers
        cls.first = cls.first or now
        cls.calls += 1
        cls.in_flight += 1
        cls.most = max(cls.most, cls.in_flight)
        self.step = fields.get(b"x-cultivar-step", b"answer")
        asyncio.get_running_loop().call_later(self.delay_s(), self.answer)

    def delay_s(self) -> float:
        """Fixed, or nine in ten half as long and one in ten five and a half times as long."""
        if self.tail == "fixed":
            return self.latency_s
        return self.latency_s * (5.5 if self.rng.random() < 0.1 else 0.5)

    def tell(self) -> None:
        """What was seen so far."""
        seen = {
            "elapsed_s": Answers.last - Answers.first,
            "calls": Answers.calls,
            "most": Answers.most,
        }
        self.reply(json.dumps(seen).encode())

    def answer(self) -> None:
        """Send the reply that is due."""
        Answers.last = time.monotonic()
        Answers.in_flight -= 1
        body = {
            "id": "x",
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": self.text()},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 60, "completion_tokens": 45, "total_tokens": 105},
        }
        self.reply(json.dumps(body).encode())

    def text(self) -> str:
        """A reply of about 190 characters, or a list of seven tasks."""
        if self.step.startswith(b"propose"):
            return "\n".join(f"{number}. {self.task()}" for number in range(9, 16))
        if self.step.startswith(b"classify"):
            return "No"
        return "Output: " + self.task() + " " + self.task()

    def task(self) -> str:
        """Twelve words that nobody has said before."""
        return "Describe " + " ".join(self.rng.choices(WORDS, k=12)).capitalize() + "."


async def serve(latency_s: float, tail: str) -> None:
    """Listen on a free port, print it, answer for ever."""
    Answers.latency_s, Answers.tail = latency_s, tail
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answers, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def teacher(latency_s: float, tail: str) -> Iterator[str]:
    """The address of a teacher in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.teacher", "--serve", str(latency_s), tail]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline()) if process.stdout else 0
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@contextmanager
def stack(workers: int = 1) -> Iterator[tuple[Fleet, Runtime]]:
    """Servers and workers, warmed up, and a runtime beside them to submit and look."""
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


PATIENT = {"CULTIVAR_LEASE_S": "45", "CULTIVAR_HEARTBEAT_S": "10", "CULTIVAR_SWEEP_S": "2"}


def run(case: Case, *, tail: str = "fixed") -> Measured:
    """Run one case with one generate worker."""
    with stack() as (fleet, runtime):
        seeds = add_seeds(runtime)
        with teacher(0.01, "fixed") as url:
            submit(runtime, seeds, url, calls=60, in_flight=10, name="warm")
        with teacher(case.latency_s, tail) as url:
            before = {name: cpu_s(each.pid) for name, each in fleet.processes.items()}
            servers_before = servers_cpu_s()
            job = submit(runtime, seeds, url, calls=case.calls, in_flight=case.in_flight, name="b")
            spent = {name: cpu_s(each.pid) - before[name] for name, each in fleet.processes.items()}
            servers = servers_cpu_s() - servers_before
            seen = httpx.get(url, timeout=30).json()
        memory_mb = peak_rss_mb(fleet.processes["generate-0"].pid)
        rows = jobs.progress(runtime, job).accepted_rows
    ideal_s = seen["calls"] * case.latency_s / case.in_flight
    return Measured(
        "cultivar",
        case.in_flight,
        seen["calls"],
        round(ideal_s / seen["elapsed_s"], 3),
        round(spent["generate-0"] * 1000 / seen["calls"], 3),
        round(spent["admit"] * 1000 / seen["calls"], 3),
        round(servers * 1000 / seen["calls"], 3),
        round(memory_mb),
        seen["most"],
        rows,
    )


def submit(
    runtime: Runtime, seeds: UUID, url: str, *, calls: int, in_flight: int, name: str
) -> UUID:
    """Submit a job that makes so many calls, and wait for its end."""
    record = add_teacher(runtime, f"{url}/v1", name=name, max_concurrency=in_flight)
    details = jobs.JobDetails(
        seed_set_id=seeds, teacher_id=record.id, target_rows=10_000_000, cap_calls=calls
    )
    job_id = jobs.submit(runtime, details).id
    while jobs.get(runtime, job_id).state not in FINAL:
        time.sleep(0.5)
    job = jobs.get(runtime, job_id)
    if job.state != "succeeded":
        raise SystemExit(f"the job ended {job.state}: {job.reason} {job.detail}")
    return job_id


def cpu_s(pid: int) -> float:
    """User and system time of a process, its threads and its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICKS


def servers_cpu_s() -> float:
    """User and system time of every Postgres process of this machine that descends from us."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            parents[int(entry.name)] = int(rest.split()[1])
            names[int(entry.name)] = name
    total = 0.0
    for pid, name in names.items():
        if name == "postgres" and _descends(pid, parents):
            with suppress(OSError):
                total += own_cpu_s(pid)
    return total


def _descends(pid: int, parents: dict[int, int]) -> bool:
    while pid in parents and pid != os.getpid():
        pid = parents[pid]
    return pid == os.getpid()


def own_cpu_s(pid: int) -> float:
    """User and system time of one process alone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:13]) / TICKS


def peak_rss_mb(pid: int) -> float:
    """The most memory that a process has held."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
