"""How long a fresh process takes to have a pool's index: read from Postgres by sequence, built.

Run: python -m benchmarks.novelty_cold_start [--rows 1000000] [--vectors 256]
Starts a Postgres of its own in a temporary directory, fills a pool, and builds the index twice, by
the very code that an admitting process runs; the first time the machine code may have to be
compiled. With `--vectors` so many numbers a row are read as well. Prints a table and, last, one
line of JSON. Data: as benchmarks.novelty, else made-up sentences.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import psycopg

from app.db import pools
from app.db.ids import new_id
from app.domain.stored import PoolRecord
from app.domain.vectors import unit
from app.embedded.migrate import migrate
from app.embedded.postgres import Postgres
from app.llm.embeddings import text_digest
from app.llm.teacher import Endpoint, Teacher
from app.runtime import Runtime, build_runtime
from app.settings import Settings
from app.use_cases.embedding_claims import EmbedderChoice
from app.use_cases.pool_indexes import KeptPool, PoolIndexes, catch_up
from app.use_cases.semantic_novelty import read_stored_vectors
from app.use_cases.teachers import TeacherDetails, add
from benchmarks.novelty import ALPACA, compile_all, read, recombined

GOAL_S = 60.0
GOAL_ROWS = 1_000_000
EMBEDDER = "embedder"


@dataclass(frozen=True)
class ColdStart:
    """One build of a pool's index in a fresh `PoolIndexes`."""

    rows: int
    words_s: float
    vectors_s: float | None
    index_mib: float


def sentences(path: Path) -> Iterator[str]:
    """Instructions without end: real ones recombined, or made up where there is no such file."""
    if path.exists():
        yield from recombined(read(path))
    rng = random.Random(0)
    words = [f"word{number}" for number in range(20_000)]
    while True:
        yield " ".join(words[int(rng.paretovariate(1.1)) % 20_000] for _ in range(12))


def fill(url: str, pool: PoolRecord, texts: Iterator[str]) -> None:
    """Copy the rows of a pool into Postgres."""
    with psycopg.connect(plain(url)) as connection:
        columns = "pool_id, seq, kind, source_id, text"
        with connection.cursor().copy(f"COPY pool_rows ({columns}) FROM STDIN") as copy:
            for seq, text in enumerate(texts, 1):
                copy.write_row((pool.id, seq, "candidate", new_id(), text))
        connection.execute("ANALYZE pool_rows")


def fill_vectors(url: str, choice: EmbedderChoice, texts: Iterator[str], size: int) -> None:
    """Copy a random vector for every text into Postgres."""
    rng = np.random.default_rng(0)
    call_id = new_id()
    with psycopg.connect(plain(url)) as connection:
        columns = "teacher_id, model, digest, vector, call_id"
        with connection.cursor().copy(f"COPY embeddings ({columns}) FROM STDIN") as copy:
            for digest in {text_digest(text) for text in texts}:
                vector = unit(rng.normal(size=size)).tobytes()
                copy.write_row((choice.teacher_id, choice.model, digest, vector, call_id))
        connection.execute("ANALYZE embeddings")


def plain(url: str) -> str:
    """An address without SQLAlchemy's choice of driver."""
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql"))


def embedder(runtime: Runtime) -> EmbedderChoice:
    """An embedder that is never asked."""
    details = TeacherDetails(EMBEDDER, "http://127.0.0.1:9/v1", "m", Endpoint.EMBEDDINGS)
    record = add(runtime, details)
    teacher = Teacher(str(record.id), record.base_url, record.model, Endpoint.EMBEDDINGS)
    return EmbedderChoice(record.id, record.name, record.model, teacher)


def build(runtime: Runtime, pool: PoolRecord, choice: EmbedderChoice | None) -> ColdStart:
    """Build the index as an admitting process does."""
    kept = PoolIndexes(memory_bytes=1 << 40).get(pool)
    began_s = time.perf_counter()
    catch_up(runtime, kept)
    words_s = time.perf_counter() - began_s
    vectors_s = None
    if choice is not None:
        began_s = time.perf_counter()
        read_vectors(runtime, kept, choice)
        vectors_s = time.perf_counter() - began_s
    return ColdStart(len(kept.index), words_s, vectors_s, kept.memory_bytes / 2**20)


def read_vectors(runtime: Runtime, kept: KeptPool, choice: EmbedderChoice) -> None:
    """Read every vector of the pool."""
    with runtime.database.transaction() as connection:
        missing = read_stored_vectors(connection, kept, choice)
    if missing:
        raise LookupError(f"{len(missing)} vectors are missing")


def measured(postgres: Postgres, home: Path, rows: int, size: int) -> list[ColdStart]:
    """Fill a pool of so many rows and build its index twice."""
    migrate(postgres.url)
    runtime = build_runtime(Settings(database_url=postgres.url, home=home))
    pool = PoolRecord(id=new_id(), tokens="rouge", threshold=0.7, exact_duplicates=False)
    with runtime.database.transaction() as connection:
        pools.insert(connection, pool)
    fill(postgres.url, pool, islice(sentences(ALPACA), rows))
    choice = embedder(runtime) if size else None
    if choice is not None:
        fill_vectors(postgres.url, choice, islice(sentences(ALPACA), rows), size)
    found = [build(runtime, pool, choice) for _ in range(2)]
    runtime.close()
    return found


def main() -> None:
    """Print a table and, last, one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--vectors", type=int, default=0, help="numbers in a vector; 0 is none")
    given = parser.parse_args()
    compile_all()
    with tempfile.TemporaryDirectory() as directory:
        postgres = Postgres(Path(directory) / "postgres", ephemeral=True)
        postgres.start()
        try:
            found = measured(postgres, Path(directory) / "home", given.rows, given.vectors)
        finally:
            postgres.stop()
    best = min(found, key=lambda each: each.words_s)
    goal_s = GOAL_S * max(given.rows / GOAL_ROWS, 0.1)
    print(f"{'rows':>10}{'words s':>9}{'vectors s':>11}{'MiB':>7}")
    for each in found:
        vectors = "-" if each.vectors_s is None else f"{each.vectors_s:.1f}"
        print(f"{each.rows:>10,}{each.words_s:>9.1f}{vectors:>11}{each.index_mib:>7.0f}")
    print(f"goal: {goal_s:.0f} s for so many rows ({GOAL_S:.0f} s for {GOAL_ROWS:,})")
    result = {"builds": [asdict(each) for each in found], "within_goal": best.words_s <= goal_s}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
