"""A page of a large job reads what it shows: by an index, and no more often than it must."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from app.db import candidates as candidate_queries
from app.db import counts
from app.db import jobs as job_queries
from app.db.tables import candidates
from app.domain.lifecycle import CandidateState, JobState
from app.domain.report_sections import report_sections
from app.main import build_app
from app.runtime import Runtime
from app.use_cases import jobs, reports, rows
from benchmarks import pages
from benchmarks.million_rows import RARE_REASON
from tests.api.stored_job import stored_job
from tests.driving import running_runtime
from tests.servers import TestPostgres, plain

ROWS = 3000
LARGE = ("candidates", "completions", "conversations", "ledger", "pool_rows", "rows", "row_scores")
LARGE += ("seeds", "slots")
# These read the whole of what they tell of, in pages or as an aggregate, and are no lists.
WHOLE = ("/report", "/jobs/new?", "/audit-log/verification", "/metrics")
Filled = tuple[Runtime, dict[str, str]]


@pytest.fixture(scope="module")
def filled(
    postgres_server: TestPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    """A database with a job of some thousands of rows; no test changes it."""
    name = f"cultivar_test_{uuid4().hex}"
    url = postgres_server.create(name, template_database)
    home: Path = tmp_path_factory.mktemp("home")
    with running_runtime(url, home) as runtime:
        names = dict(pages.fill(runtime, ROWS))
        with psycopg.connect(plain(url), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        yield runtime, names
    postgres_server.drop(name)


class Sent:
    """What is sent to Postgres while a block runs, and how Postgres would go about it."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, Any]] = []

    def __enter__(self) -> "Sent":
        event.listen(sa.Engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(sa.Engine, "before_cursor_execute", self._note)

    def _note(
        self, _1: object, _2: object, statement: str, parameters: Any, _3: object, _4: object
    ) -> None:
        self.statements.append((statement, parameters))

    def scans(self, runtime: Runtime) -> list[str]:
        """The large tables that are read from end to end, for want of an index."""
        found: list[str] = []
        with runtime.database.transaction() as connection:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            for statement, parameters in self.statements:
                if statement.startswith(("SELECT", "WITH")):
                    lines = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
                    plan = [str(each[0]) for each in lines]
                    names = [f"Seq Scan on {name}" for name in LARGE]
                    found += [
                        line for line in plan if any(f"{each} " in f"{line} " for each in names)
                    ]
        return found


def test_no_page_reads_a_large_table_from_end_to_end(filled: Filled) -> None:
    runtime, names = filled
    app = build_app(runtime)
    scanning: dict[str, list[str]] = {}
    statuses: dict[str, int] = {}
    for address in pages.addresses(app, names):
        with Sent() as sent:
            statuses[address], *_ = asyncio.run(pages.ask(app, address))
        if not any(each in address for each in WHOLE) and (found := sent.scans(runtime)):
            scanning[address] = found
    assert scanning == {}
    assert len(statuses) > 100
    assert {address: each for address, each in statuses.items() if each >= 400} == {}


def test_the_check_sees_what_has_no_index(filled: Filled) -> None:
    runtime, names = filled
    query = sa.text("SELECT id FROM rows WHERE slot_id = :slot_id")
    with Sent() as sent, runtime.database.transaction() as connection:
        connection.execute(query, {"slot_id": names["job_id"]})
    assert sent.scans(runtime) != []


def test_a_report_of_a_part_tells_what_one_of_the_whole_does(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, names = filled
    job_id = UUID(names["job_id"])
    whole = reports.of_job(runtime, job_id)
    assert whole.notes == {}
    for name, value in (("_WHOLE", 100), ("_CALLS_READ", 100), ("_SEEDS_READ", 200)):
        monkeypatch.setattr(reports, name, value)
    part = reports.of_job(runtime, job_id)
    assert set(part.notes) == {"saturation", "cost", "nearest_seed"}
    assert "188 of the 3,000 seeds" in part.notes["nearest_seed"]
    assert part.rows == whole.rows == jobs.progress(runtime, job_id).accepted_rows
    assert 0.9 * whole.rows_read < part.rows_read <= 2000
    for name in ("candidates", "novel"):
        told, true = (sum(getattr(at, name) for at in each.saturation) for each in (part, whole))
        assert abs(told - true) < 0.1 * true
    assert part.cost[-1].rows == whole.cost[-1].rows
    assert part.nearest_seed.mean <= whole.nearest_seed.mean
    said = [each.name for each in report_sections(part) if each.html.startswith("<p>Estimated")]
    assert sorted(said) == sorted(part.notes)


def _look(app: Any, address: str) -> int:
    """How many statements a poll sends after what was told before may no longer be told."""
    for board in (app.state.status_board, app.state.look_board):
        for key, (_, status) in list(board._statuses.items()):
            board._statuses[key] = (float("-inf"), status)
    with Sent() as sent:
        asyncio.run(pages.ask(app, address))
    return len(sent.statements)


def test_a_poll_of_a_job_at_rest_costs_one_query(database_url: str, tmp_path: Path) -> None:
    with running_runtime(database_url, tmp_path / "home") as runtime:
        job = stored_job(runtime).job
        with runtime.database.transaction() as connection:
            for state in (JobState.RUNNING, JobState.SUCCEEDED):
                job_queries.move(connection, job.id, state)
        app, path = build_app(runtime), f"/v1/jobs/{job.id}"
        assert _look(app, path) > 1
        assert [_look(app, path) for _ in range(3)] == [1, 1, 1]
        jobs.change(runtime, job.id, jobs.JobChanges(name="another name"))
        assert _look(app, path) > 1, "and a change is seen"
        assert _look(app, path) == 1


LIVE = ("/jobs", "/jobs/{job_id}", "/exports/{export_id}")
LIVE += ("/training/{run_id}", "/comparisons/{comparison_id}")


@pytest.mark.parametrize("address", LIVE)
def test_a_look_of_the_dashboard_costs_one_query(filled: Filled, address: str) -> None:
    runtime, names = filled
    app, path = build_app(runtime), f"/dashboard{address.format(**names)}/fragment"
    assert path in {each.split("?")[0] for each in pages.addresses(app, names)}
    assert [_look(app, path) for _ in range(2)] == [1, 1]


def test_a_job_at_work_costs_one_query_too(database_url: str, tmp_path: Path) -> None:
    with running_runtime(database_url, tmp_path / "home") as runtime:
        job = stored_job(runtime).job
        app, path = build_app(runtime), f"/dashboard/jobs/{job.id}/fragment"
        with runtime.database.transaction() as connection:
            job_queries.move(connection, job.id, JobState.RUNNING)
        for rows_accepted in (1, 2):
            with runtime.database.transaction() as connection:
                tally = counts.Tally({("row", "accepted"): 1})
                counts.add(connection, job.id, tally)
            assert _look(app, path) == 1, rows_accepted


def test_all_candidates_of_a_rare_reason_are_found_page_by_page(filled: Filled) -> None:
    runtime, names = filled
    for state, reason in ((None, RARE_REASON), (CandidateState.DUPLICATE, "rouge_l")):
        with runtime.database.transaction() as connection:
            own = [candidates.c.job_id == UUID(names["job_id"])]
            own.append(candidates.c.reasons.contains([reason]))
            newest_first = sa.select(candidates.c.id).where(*own).order_by(candidates.c.id.desc())
            wanted = list(connection.execute(newest_first).scalars())
            found: list[UUID] = []
            cursor, looks = None, 0
            while cursor or not looks:
                page = candidate_queries.page(
                    connection,
                    UUID(names["job_id"]),
                    state=state,
                    reason=reason,
                    cursor=cursor,
                    limit=30,
                    most_read=100,
                )
                found += [each.id for each in page.items]
                cursor, looks = page.next, looks + 1
        assert found == wanted != []
        assert looks > len(wanted) / 30


def test_rows_of_every_state_come_in_one_order(filled: Filled) -> None:
    runtime, names = filled
    found: list[tuple[int, str]] = []
    cursor = None
    for _ in range(4):
        page = rows.page(runtime, UUID(names["job_id"]), state=None, cursor=cursor, limit=40)
        found += [(each.pool_seq, each.state) for each in page.items]
        cursor = page.next
    assert [place for place, _ in found] == list(range(1, 161))
    assert {state for _, state in found} == {"accepted", "rejected"}
