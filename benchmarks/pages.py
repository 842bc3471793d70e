"""How long every page and list takes, how large it is and what it asks, with a million rows there.

Run: python -m benchmarks.pages [--rows 1000000] [--times 7] [--keep DIRECTORY] [--only TEXT]
Starts a Postgres of its own, fills a job with so many accepted rows (`benchmarks.million_rows`) and
asks the application in this process, without a network, for every GET that its routers know and for
the searches that people make. Time is from the request to the last byte of the answer; `first` is
to its first part, which is what a browser paints, and the goal is its 95th percentile. Queries are
the statements sent. With `--keep` the filled database stays in that directory for the next time.
Prints a table and, last, one line of JSON.
"""

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy import event

from app.db import comparisons, training_runs
from app.db.ids import new_id
from app.domain.lifecycle import TrainingState
from app.embedded.migrate import migrate
from app.embedded.postgres import Postgres
from app.main import build_app
from app.runtime import Runtime, build_runtime
from app.settings import Settings
from app.use_cases import api_keys, labelled_sets, template_sets
from benchmarks import million_rows
from tests.api.routes import every_route
from tests.api.world import build_world
from tests.domain.template_text import FILE
from tests.entry import WITH_TOKEN, give_token

GOAL_FIRST_S, GOAL_BYTES = 0.5, 150_000
# What is computed from everything when it is asked for, and is no list: its goal is this many s.
COMPUTED, GOAL_COMPUTED_S = ("/report", "/report.html"), 5.0
# Files as large as what is stored, and what is not a page or a list.
NOT_LISTS = re.compile(
    r"/(download|files|worth|worth\.svg)$|/static|^/docs|^/redoc|^/openapi|\{path|^/problems|^/healthz|^/readyz"
)
# Where nothing is told of everything.
NEVER_BARE = {"/v1/rows", "/v1/template-sets/{template_set_id}/preview"}
# Where one page asks several things of the same address.
SEARCHES: Mapping[str, Sequence[str]] = {
    "/dashboard/jobs": ("state=succeeded",),
    "/dashboard/jobs/new": ("seed_set={seed_set_id}&teacher={teacher_id}", "clone={job_id}"),
    "/dashboard/rows": (
        "job={job_id}",
        "job={job_id}&text=nowhere+to+be+found",
        "job={job_id}&language=fr",
        "job={job_id}&min_score=5",
        "job={job_id}&min_score=99",
        "job={job_id}&state=rejected",
        "job={job_id}&state=rejected&reason=" + million_rows.RARE_REASON,
        "job={job_id}&cursor={row_cursor}",
        "job={job_id}&min_score=99&cursor={row_cursor}",
    ),
    "/dashboard/reviews": ("job={job_id}",),
    "/v1/jobs/{job_id}/calls": ("state=failed", "state=ready", "state=done&limit=200"),
    "/v1/jobs/{job_id}/candidates": (
        "state=proposed",
        "state=rejected",
        "reason=" + million_rows.RARE_REASON,
        "reason=no_such_reason",
        "state=novel&limit=200",
    ),
    "/v1/jobs/{job_id}/rows": ("state=rejected", "state=all", "limit=200&cursor={row_cursor}"),
    "/v1/rows": ("job_id={job_id}", "job_id={job_id}&text=nowhere", "job_id={job_id}&min_score=5"),
    "/v1/template-sets/{template_set_id}/preview": ("labelled_set_id={labelled_set_id}",),
    "/v1/exports": ("job_id={job_id}",),
    "/v1/reviews": ("job_id={job_id}",),
    "/v1/jobs": ("state=running", "limit=200"),
    "/v1/seed-sets/{seed_set_id}/seeds": ("limit=200", "cursor={seed_cursor}"),
    "/v1/audit-log": ("action=job.submit",),
}


@dataclass
class Asked:
    """What an address gave: its status, bytes, statements, seconds to first part and to the end."""

    path: str
    status: int = 0
    size: int = 0
    queries: int = 0
    first_s: list[float] = field(default_factory=list[float])
    all_s: list[float] = field(default_factory=list[float])

    @property
    def met(self) -> bool:
        """Whether it keeps to the goals."""
        good = self.status in (200, 302, 303)
        goal_s = GOAL_COMPUTED_S if self.path.endswith(COMPUTED) else GOAL_FIRST_S
        return good and quantile(self.first_s, 0.95) <= goal_s and self.size <= GOAL_BYTES


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Statements:
    """Counts what any engine of this process sends."""

    def __init__(self) -> None:
        self.count = 0
        event.listen(sa.Engine, "before_cursor_execute", self._one)

    def _one(self, *_: object) -> None:
        self.count += 1


async def ask(app: Any, address: str) -> tuple[int, int, float, float]:
    """Status, bytes, and seconds to the first part and to the end, of one request to the app."""
    parts, began_s = urlsplit(address), time.perf_counter()
    status, sizes, first_s = 0, 0, 0.0
    sent = False

    async def receive() -> dict[str, object]:
        nonlocal sent
        if sent:
            await asyncio.Event().wait()  # a client that stays
        sent = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, sizes, first_s
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            sizes += len(message.get("body", b""))
            first_s = first_s or time.perf_counter() - began_s

    await app(_scope(parts.path, parts.query), receive, send)
    return status, sizes, first_s, time.perf_counter() - began_s


def _scope(path: str, query: str) -> dict[str, object]:
    headers = {"host": "localhost", **{name.lower(): v for name, v in WITH_TOKEN.items()}}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


def addresses(app: Any, names: Mapping[str, str]) -> Iterator[str]:
    """Every page and list that the routers know, and the searches of some."""
    for method, path in every_route(app):
        if method != "GET" or NOT_LISTS.search(path):
            continue
        for query in (*(() if path in NEVER_BARE else ("",)), *SEARCHES.get(path, ())):
            address = f"{path}?{query}" if query else path
            yield re.sub(r"\{(\w+)\}", lambda found: names[found[1]], address)


async def measured(app: Any, address: str, times: int, statements: Statements) -> Asked:
    """Ask so often, after once to load what is loaded once."""
    found = Asked(address)
    for at in range(times + 1):
        for board in (app.state.status_board, app.state.look_board):
            board._statuses.clear()
        before = statements.count
        found.status, found.size, first_s, all_s = await ask(app, address)
        found.queries = statements.count - before
        if at:
            found.first_s.append(first_s)
            found.all_s.append(all_s)
        if all_s > 10:
            found.first_s, found.all_s = found.first_s or [first_s], found.all_s or [all_s]
            return found
    return found


def fill(runtime: Runtime, rows: int) -> Mapping[str, str]:
    """Everything that addresses may name in braces, the big job's where there is a choice."""
    world = build_world(runtime)
    templates = template_sets.add(runtime, template_sets.TemplateSetDetails(), [FILE.encode()])
    details = labelled_sets.LabelledSetDetails("reports")
    labelled = labelled_sets.add(runtime, details, [b'{"report": "It rains.", "label": 1}\n'])
    key = api_keys.create(runtime, api_keys.KeyDetails("reader", ["datasets:read"]))
    filled = million_rows.fill(runtime, rows)
    return {
        "job_id": str(filled.job.id),
        "seed_set_id": str(filled.job.seed_set_id),
        "teacher_id": str(filled.job.teacher_id),
        "row_id": str(filled.row_id),
        "review_id": str(filled.review_id),
        "number": "7",
        "export_id": str(world.ready_export),
        "evaluation_set_id": str(world.evaluation_set),
        "document_set_id": str(world.documents),
        "template_set_id": str(templates.template_set.id),
        "labelled_set_id": str(labelled.labelled_set.id),
        "key_id": str(key.key.id),
        **_compared(runtime, world.ready_export, filled.job.teacher_id),
        "name": "self_instruct",
        "row_cursor": filled.row_cursor,
        "seed_cursor": filled.seed_cursor,
    }


def _compared(runtime: Runtime, export_id: UUID, teacher_id: UUID | None) -> Mapping[str, str]:
    """A training run that is queued, and a comparison of what it tunes."""
    run_id, comparison_id = new_id(), new_id()
    run = {
        "id": run_id,
        "export_id": export_id,
        "base_model": "rose",
        "method": "lora",
        "settings": {},
        "held_out": 0.05,
        "state": TrainingState.QUEUED,
    }
    comparison = {
        "id": comparison_id,
        "run_id": run_id,
        "teacher_id": teacher_id,
        "judge": "gardener-1",
        "language": "en",
        "pairs": [],
        "state": TrainingState.QUEUED,
    }
    with runtime.database.transaction() as connection:
        training_runs.insert(connection, run)
        comparisons.insert(connection, comparison)
    return {"run_id": str(run_id), "comparison_id": str(comparison_id)}


@contextmanager
def filled_runtime(directory: Path, rows: int) -> Iterator[tuple[Runtime, Mapping[str, str]]]:
    """A runtime over a filled database, which is made where it is not there yet."""
    postgres = Postgres(directory / "postgres", ephemeral=True)
    postgres.start()
    notes = directory / f"names-{rows}.json"
    try:
        give_token(directory / "home")
        migrate(postgres.url)
        runtime = build_runtime(Settings(database_url=postgres.url, home=directory / "home"))
        if not notes.exists():
            names = fill(runtime, rows)
            with psycopg.connect(_plain(postgres.url), autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
                connection.execute("CHECKPOINT")  # the server is stopped without one
            notes.write_text(json.dumps(names))
        yield runtime, json.loads(notes.read_text())
        runtime.close()
    finally:
        postgres.stop()


def _plain(url: str) -> str:
    return url.replace("+psycopg", "", 1)


async def measure_all(
    runtime: Runtime, names: Mapping[str, str], times: int, only: str
) -> list[Asked]:
    """Every address, one after the other; each is printed as it is found."""
    app, statements = build_app(runtime), Statements()
    print(f"{'first p50':>10}{'p95':>8}{'all p50':>9}{'p95':>8}{'bytes':>9}{'queries':>8}  address")
    found: list[Asked] = []
    shown = {value: f"{{{name}}}" for name, value in names.items() if len(value) > 8}
    for address in addresses(app, names):
        if only not in address:
            continue
        one = await measured(app, address, times, statements)
        for value, name in shown.items():
            one.path = one.path.replace(value, name)
        _print(one)
        found.append(one)
    return found


def _print(one: Asked) -> None:
    times = [
        quantile(values, share) for values in (one.first_s, one.all_s) for share in (0.5, 0.95)
    ]
    told = "".join(
        f"{value:>{width}.3f}" for value, width in zip(times, (10, 8, 9, 8), strict=True)
    )
    mark = "" if one.met else f"  MISSED ({one.status})"
    print(f"{told}{one.size:>9,}{one.queries:>8}  {one.path}{mark}")
    sys.stdout.flush()


def main() -> None:
    """Print a table and, last, one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="where the filled database stays")
    parser.add_argument("--only", default="", help="only addresses that hold this")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        directory: Path = given.keep or Path(passing)
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o711)  # root's Postgres runs under another account
        with filled_runtime(directory, given.rows) as (runtime, names):
            found = asyncio.run(measure_all(runtime, names, given.times, given.only))
    missed = [each.path for each in found if not each.met]
    lists = [each for each in found if not each.path.endswith(COMPUTED)] or found
    slowest = max(lists, key=lambda each: quantile(each.first_s, 0.95))
    result = {
        "benchmark": "pages",
        "rows": given.rows,
        "load": round(os.getloadavg()[0], 1),
        "addresses": len(found),
        "slowest_first_s": round(quantile(slowest.first_s, 0.95), 3),
        "slowest": slowest.path,
        "largest_bytes": max(each.size for each in found),
        "most_queries": max(each.queries for each in found),
        "missed": missed,
        "within_goals": not missed,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
