"""How long an export of a million rows takes, how much memory it wants, and whether it repeats.

Run: python -m benchmarks.export [--rows 1000000] [--format alpaca_jsonl] [--package NAME=VALUE]
Starts a Postgres of its own in a temporary directory, fills a job with made-up rows of the lengths
of Alpaca's, and makes the same export twice by the very code that a worker runs. Memory is the
growth of this process's resident set over what it was before the first row, sampled while it
writes. Prints a table and, last, one line of JSON.
"""

import argparse
import json
import random
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psycopg

from app.cli.method_options import read_options
from app.db.ids import new_id
from app.domain.lifecycle import ExportState
from app.domain.stored import Job
from app.embedded.migrate import migrate
from app.embedded.postgres import Postgres
from app.runtime import Runtime, build_runtime
from app.settings import Settings
from app.use_cases import exports, jobs, methods, seed_sets, teachers

GOAL_S = 60.0
GOAL_ROWS = 1_000_000
GOAL_MIB = 32.0
_WORDS = [f"word{number}" for number in range(20_000)]


@dataclass(frozen=True)
class Made:
    """One export: seconds, those of this process's CPU, bytes, MiB that it grew by."""

    rows: int
    seconds: float
    cpu_s: float
    bytes: int
    grown_mib: float
    sha256: str


def words(rng: random.Random, mean: float) -> str:
    """Words whose number is spread as Alpaca's: log-normal around the mean."""
    count = max(1, int(rng.lognormvariate(0.0, 0.7) * mean))
    return " ".join(rng.choices(_WORDS, k=count))


def texts(count: int) -> Iterator[tuple[str, str, str]]:
    """Instruction, input and output; Alpaca's have 9, 4 and 44 words in the mean."""
    rng = random.Random(0)
    for number in range(count):
        given = words(rng, 8.0) if number % 5 < 2 else ""
        yield f"{number} {words(rng, 7.0)}", given, words(rng, 34.0)


def submitted(runtime: Runtime, rows: int) -> Job:
    """A job that no worker sees."""
    seeds = [b'{"instruction": "Plant a seed in a row."}\n']
    seed_set = seed_sets.add(runtime, seed_sets.SeedSetDetails("garden"), seeds).seed_set
    details = teachers.TeacherDetails(
        f"rose {rows}",
        "http://127.0.0.1:9/v1",
        "rose-1",
        input_micro_usd_per_million=0,
        output_micro_usd_per_million=0,
    )
    teacher = teachers.add(runtime, details)
    return jobs.submit(runtime, jobs.JobDetails(seed_set.id, teacher.id, rows))


def fill(url: str, job: Job, rows: int) -> None:
    """Copy candidates and accepted rows into Postgres, with one conversation for all."""
    plain = urlunsplit(urlsplit(url)._replace(scheme="postgresql"))
    conversation_id = new_id()
    candidate_ids = [new_id() for _ in range(rows)]
    with psycopg.connect(plain) as connection:
        connection.execute(
            "INSERT INTO conversations (id, job_id, kind, number, sources, state)"
            " VALUES (%s, %s, 'propose', 0, '[]', 'done')",
            (conversation_id, job.id),
        )
        _copy_candidates(connection, job, conversation_id, candidate_ids)
        _copy_rows(connection, job, candidate_ids)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE rows")


def _copy_candidates(
    connection: "psycopg.Connection[tuple[object, ...]]",
    job: Job,
    conversation_id: UUID,
    ids: Sequence[UUID],
) -> None:
    columns = "id, job_id, pool_id, conversation_id, number, position, instruction, state, reasons"
    with connection.cursor().copy(f"COPY candidates ({columns}) FROM STDIN") as copy:
        for at, each in enumerate(ids):
            copy.write_row((each, job.id, job.pool_id, conversation_id, 0, at, "", "novel", "{}"))


def _copy_rows(
    connection: "psycopg.Connection[tuple[object, ...]]", job: Job, candidate_ids: Sequence[UUID]
) -> None:
    columns = (
        "id, job_id, candidate_id, pool_seq, position, instruction, input, output,"
        " is_classification, state, reasons, simulated"
    )
    with connection.cursor().copy(f"COPY rows ({columns}) FROM STDIN") as copy:
        told = texts(len(candidate_ids))
        for at, (candidate_id, parts) in enumerate(zip(candidate_ids, told, strict=True), 1):
            row = (new_id(), job.id, candidate_id, at, 0, *parts, False, "accepted", "{}", False)
            copy.write_row(row)


def resident_mib(process: int | str = "self") -> float:
    """The resident set of this process, or of another."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


class Watch:
    """Samples the resident set every 20 ms until it is left; `most_mib` is the highest."""

    def __init__(self, process: int | str = "self") -> None:
        self._process = process
        self.most_mib = resident_mib(process)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _go(self) -> None:
        while not self._over.wait(0.02):
            self.most_mib = max(self.most_mib, resident_mib(self._process))


def make(runtime: Runtime, job: Job, kind: str, packaging: Mapping[str, object]) -> Made:
    """Make one export as a worker does."""
    record = exports.request(runtime, job.id, kind, {}, packaging)
    before_mib, began_s, cpu_s = resident_mib(), time.perf_counter(), time.process_time()
    with Watch() as watch:
        exports.make(runtime, record.id)
    seconds, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    made = exports.get(runtime, record.id)
    if made.state is not ExportState.READY:
        raise SystemExit(f"the export is {made.state}: {made.error}")
    grown = max(0.0, watch.most_mib - before_mib)
    size = (made.row_count or 0, seconds, cpu_s, made.bytes or 0)
    return Made(*size, grown, made.sha256 or "")


def measured(url: str, home: Path, rows: int, kind: str, pairs: Sequence[str]) -> list[Made]:
    """Fill a job and export it twice, after a small one that loads what is loaded once."""
    migrate(url)
    runtime = build_runtime(Settings(database_url=url, home=home))
    packaging = read_options(pairs, methods.packaging_fields())
    small, large = submitted(runtime, 5000), submitted(runtime, rows)
    fill(url, small, 5000)
    make(runtime, small, kind, packaging)
    fill(url, large, rows)
    found = [make(runtime, large, kind, packaging) for _ in range(2)]
    runtime.close()
    return found


def main() -> None:
    """Print a table and, last, one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=GOAL_ROWS)
    parser.add_argument("--format", default="alpaca_jsonl")
    parser.add_argument("--package", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        postgres = Postgres(Path(directory) / "postgres", ephemeral=True)
        postgres.start()
        try:
            home = Path(directory) / "home"
            found = measured(postgres.url, home, given.rows, given.format, given.package)
        finally:
            postgres.stop()
    print(f"{'rows':>10}{'seconds':>9}{'CPU s':>7}{'rows/s':>9}{'MB':>7}{'grown MiB':>11}  sha256")
    for each in found:
        rate, megabytes = each.rows / each.seconds, each.bytes / 1e6
        print(
            f"{each.rows:>10,}{each.seconds:>9.1f}{each.cpu_s:>7.1f}{rate:>9,.0f}{megabytes:>7.0f}"
            f"{each.grown_mib:>11.1f}  {each.sha256[:16]}"
        )
    goal_s = GOAL_S * given.rows / GOAL_ROWS
    print(f"goals: {goal_s:.0f} s for so many rows, at most {GOAL_MIB:.0f} MiB more, equal bytes")
    best = min(found, key=lambda each: each.seconds)
    result = {
        "exports": [asdict(each) for each in found],
        "within_goal": best.seconds <= goal_s and max(e.grown_mib for e in found) <= GOAL_MIB,
        "repeated": len({each.sha256 for each in found}) == 1,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
