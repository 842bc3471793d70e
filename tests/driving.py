"""Drives jobs in this process, without a broker: what the workers do, step by step."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from app.domain.stored import Job, TeacherRecord
from app.llm.client import Door
from app.llm.limits import LocalLimits
from app.runtime import Runtime, build_runtime
from app.settings import Settings
from app.use_cases import jobs, seed_sets, teachers
from app.use_cases.admission import PoolIndexes, admit
from app.use_cases.embedding import Embedder
from app.use_cases.generation import Engine
from app.use_cases.sweep import sweep
from tests.entry import give_token

SEEDS = Path(__file__).parents[1] / "seeds" / "general_en.jsonl"
FINAL = {"succeeded", "failed", "cancelled", "paused"}


class ThreadWake:
    """A bell without a broker: what it rings for is done by a thread of this process."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=2)
        self.runtime: Runtime | None = None
        self.indexes = PoolIndexes(memory_bytes=1 << 30)
        self.embedder: Embedder | None = None

    def generate(self, job_id: UUID) -> None:
        """Nothing: the test drives jobs."""

    def admit(self, pool_id: UUID) -> None:
        """Admit soon."""
        if self.runtime is not None:
            self._pool.submit(admit, self.runtime, self.indexes, pool_id, self.embedder)

    def export(self, export_id: UUID) -> None:
        """Nothing: the test makes exports."""

    def train(self, run_id: UUID) -> None:
        """Nothing: the test trains."""

    def compare(self, comparison_id: UUID) -> None:
        """Nothing: the test compares."""

    def close(self) -> None:
        """Wait for what was rung for."""
        if self.embedder is not None:
            self.embedder.stopping.set()
        self._pool.shutdown()
        if self.embedder is not None:
            self.embedder.close()


@contextmanager
def running_runtime(database_url: str, home: Path, **settings: Any) -> Iterator[Runtime]:
    """A runtime without a broker on a database of its own."""
    give_token(home)
    wake = ThreadWake()
    built = build_runtime(Settings(database_url=database_url, home=home, **settings))
    runtime = replace(built, wake=wake)
    wake.runtime = runtime
    wake.embedder = make_embedder(runtime)
    try:
        yield runtime
    finally:
        wake.close()
        runtime.close()


def make_embedder(runtime: Runtime) -> Embedder:
    """What buys embeddings in this process."""
    return Embedder(runtime, lambda: Door(LocalLimits()), host="test", process=0)


@dataclass
class Driver:
    """An engine and an admitter in this process."""

    runtime: Runtime
    engine: Engine
    indexes: PoolIndexes
    embedder: Embedder

    def step(self, job_id: UUID) -> Job:
        """One slice of generation and whatever waits for admission."""
        self.engine.advance(job_id)
        job = jobs.get(self.runtime, job_id)
        admit(self.runtime, self.indexes, job.pool_id, self.embedder)
        return jobs.get(self.runtime, job_id)

    def finish(self, job_id: UUID, *, timeout_s: float = 60.0) -> Job:
        """Drive a job until it stands still."""
        deadline_s = time.monotonic() + timeout_s
        while (job := self.step(job_id)).state not in FINAL:
            assert time.monotonic() < deadline_s, jobs.progress(self.runtime, job_id)
            sweep(self.runtime)
        return job


@contextmanager
def running_driver(runtime: Runtime) -> Iterator[Driver]:
    """A driver whose calls are ended when the block is left."""
    engine = Engine(runtime, Door(LocalLimits()), kind="test", host="test", process=0)
    embedder = make_embedder(runtime)
    try:
        yield Driver(runtime, engine, PoolIndexes(memory_bytes=1 << 30), embedder)
    finally:
        engine.close()
        embedder.close()


def add_seeds(runtime: Runtime, path: Path = SEEDS) -> UUID:
    """Store a seed file; returns its id."""
    details = seed_sets.SeedSetDetails(name=path.stem, licence="CC0-1.0")
    return seed_sets.add(runtime, details, [path.read_bytes()]).seed_set.id


def teacher_of(job: Job) -> UUID:
    """The teacher of a job that has one."""
    assert job.teacher_id is not None
    return job.teacher_id


def add_teacher(runtime: Runtime, base_url: str, **details: Any) -> TeacherRecord:
    """Register a simulated teacher with prices."""
    values: dict[str, Any] = {
        "name": f"demo-{base_url.rsplit(':', 1)[-1]}",
        "base_url": base_url,
        "model": "demo",
        "input_micro_usd_per_million": 150_000,
        "output_micro_usd_per_million": 600_000,
        "simulated": True,
        **details,
    }
    return teachers.add(runtime, teachers.TeacherDetails(**values))
