"""The metrics: what is served is what is listed, and the figures are those of the database."""

import re
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa
import yaml
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.api.metrics import MetricsBoard
from app.db import workers
from app.db.engine import Database
from app.db.ids import new_id
from app.domain.gates import Gate
from app.domain.metrics import METRICS, MetricKind
from app.embedded.migrate import ROOT
from app.runtime import Runtime
from app.use_cases import jobs, metrics
from app.use_cases.sweep import sweep
from tests.api.conftest import connected_client
from tests.api.stored_job import KEY, stored_job, stored_teacher

PAGE = ROOT / "docs" / "operations.md"
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
ROW = re.compile(
    r"^\| `(cultivar_\w+)` \| (\w+) \| ([\w, ]*?) ?\| (.+?) \| (.+?) \|$", re.MULTILINE
)
Served = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def served(client: TestClient) -> Served:
    """Every sample, by its name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def gate(teacher_id: object, **more: float) -> Gate:
    """A gate that is shut for a minute."""
    values = {"sent": 3, "waiting": 2, "concurrency": 5, "closed_s": 60.0, "per_minute": 90.0}
    return Gate(teacher_id=str(teacher_id), **{**values, **more})  # type: ignore[arg-type]


def test_the_list_of_the_page_is_what_is_served(client: TestClient) -> None:
    families = list(text_string_to_metric_families(client.get("/metrics").text))
    kinds = {each.name: (each.type, each.documentation) for each in families}
    listed = {
        name: (kind, labels, meaning)
        for name, kind, labels, meaning, _ in ROW.findall(PAGE.read_text(encoding="utf-8"))
    }
    assert listed == {
        each.name: (each.kind, ", ".join(each.labels), each.meaning) for each in METRICS
    }
    for each in METRICS:
        name = each.name.removesuffix("_total") if each.kind is MetricKind.COUNTER else each.name
        assert kinds.pop(name) == (each.kind, each.meaning)
    assert all(name.startswith("process_") for name in kinds)


def test_alerts_name_metrics_that_there_are() -> None:
    """And labels that they have; the page says of each what it means."""
    page = PAGE.read_text(encoding="utf-8")
    known = {each.name: each for each in METRICS}
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]:
        named = re.findall(r"\bcultivar_([a-z_]+?)(?:_bucket)?\b(\{[^}]*\})?", rule["expr"])
        assert named or rule["alert"] == "CultivarAway"
        for name, selector in named:
            metric = known[f"cultivar_{name}"]
            assert set(re.findall(r"(\w+)[!=]=?", selector)) <= set(metric.labels)
        assert f"| `{rule['alert']}` |" in page
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
    assert len(group["rules"]) == len(re.findall(r"^\| `Cultivar\w+` \|", page, re.MULTILINE))


def test_the_figures_are_those_of_the_jobs(client: TestClient, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    sweep(runtime)
    found = served(client)
    own = ("teacher", "gardener")
    assert found["cultivar_database_up", ()] == 1
    assert found["cultivar_rows_total", (("state", "accepted"), own)] == 3
    assert found["cultivar_candidates_total", (("state", "novel"), own)] == 4
    assert found["cultivar_drops_total", (("reason", "empty_output"), own)] == 1
    assert found["cultivar_calls_total", (("outcome", "server_error"), own)] == 1
    assert found["cultivar_call_slots", (("state", "failed"), own)] == 1
    assert found["cultivar_jobs", (("state", "queued"),)] == 1
    assert found["cultivar_jobs", (("state", "failed"),)] == 0
    assert 0 <= found["cultivar_sweep_age_seconds", ()] < 60
    with runtime.database.transaction() as connection:
        connection.execute(
            sa.text(
                "UPDATE jobs SET spent_micro_usd = 7, reserved_micro_usd = 5, cap_micro_usd = 9"
            )
        )
    found = {
        name: metrics.samples(runtime)[f"cultivar_{name}"]
        for name in ("spent_micro_usd_total", "reserved_micro_usd", "live_cap_micro_usd")
    }
    assert [dict(each) for each in found.values()] == [{own[1:]: 7}, {own[1:]: 5}, {own[1:]: 9}]
    assert stored.job.name not in client.get("/metrics").text


def test_no_total_falls_when_a_job_is_deleted(runtime: Runtime) -> None:
    stored = stored_job(runtime)
    with runtime.database.transaction() as connection:
        connection.execute(
            sa.text("UPDATE jobs SET state = 'succeeded', finished_at = now(), spent_micro_usd = 7")
        )
    before = metrics.samples(runtime)
    jobs.delete(runtime, stored.job.id)
    after = metrics.samples(runtime)
    totals = [each.name for each in METRICS if each.name in before and "total" in each.name]
    assert len(totals) >= 5
    for name in totals:
        assert after[name] == before[name], name
    assert sum(after["cultivar_jobs"].values()) == 0


def test_gates_of_the_fleet_add_up(client: TestClient, runtime: Runtime) -> None:
    teacher_id = stored_teacher(runtime)
    with runtime.database.transaction() as connection:
        for at, closed_s in enumerate((60.0, 0.0)):
            worker_id = new_id()
            workers.register(connection, worker_id, kind="generate", host="test", process=at)
            workers.beat(connection, worker_id, [gate(teacher_id, closed_s=closed_s)])
        silent = new_id()
        workers.register(connection, silent, kind="generate", host="test", process=9)
        workers.beat(connection, silent, [gate(teacher_id)])
        connection.execute(
            sa.text("UPDATE workers SET heartbeat_at = now() - interval '1 hour' WHERE process = 9")
        )
    found, own = served(client), (("teacher", "gardener"),)
    assert found["cultivar_gate_open", own] == 0
    assert 30 < found["cultivar_gate_closed_seconds", own] <= 60
    assert found["cultivar_teacher_concurrency", own] == 10
    assert found["cultivar_teacher_calls_sent", own] == 6
    assert found["cultivar_teacher_rate_per_minute", own] == 180
    assert found["cultivar_workers", (("kind", "generate"),)] == 2


def test_a_job_and_its_page_tell_the_gate(client: TestClient, runtime: Runtime) -> None:
    job = stored_job(runtime).job
    assert client.get(f"/v1/jobs/{job.id}").json()["gate"] is None
    with runtime.database.transaction() as connection:
        worker_id = new_id()
        workers.register(connection, worker_id, kind="generate", host="test", process=1)
        workers.beat(connection, worker_id, [gate(job.teacher_id)])
    page = client.get(f"/dashboard/jobs/{job.id}").text
    assert re.search(r"shut for \d+ s", page)
    assert "3 of 5, 2 wait, 90 a minute learnt" in page
    client.post(f"/v1/jobs/{job.id}/pause")  # which has the status computed anew
    shown = client.get(f"/v1/jobs/{job.id}").json()["gate"]
    assert 30 < shown.pop("closed_s") <= 60
    assert shown == {
        "open": False, "sent": 3, "waiting": 2, "concurrency": 5, "per_minute": 90
    }  # fmt: skip


def test_waits_are_those_of_running_jobs(runtime: Runtime) -> None:
    stored = stored_job(runtime)
    with runtime.database.transaction() as connection:
        connection.execute(
            sa.text("UPDATE slots SET state = 'ready', updated_at = now() - interval '100 s'")
        )
        connection.execute(
            sa.text(
                "UPDATE candidates SET state = 'proposed', created_at = now() - interval '200 s'"
            )
        )
    ages = ("cultivar_oldest_ready_slot_seconds", "cultivar_oldest_candidate_seconds")
    assert [metrics.samples(runtime)[name][()] for name in ages] == [0, 0]  # it is queued
    with runtime.database.transaction() as connection:
        connection.execute(sa.text("UPDATE jobs SET state = 'running'"))
    slot, candidate = (metrics.samples(runtime)[name][()] for name in ages)
    assert 100 <= slot < 200 <= candidate < 900
    with runtime.database.transaction() as connection:  # nobody is late who waits for his time
        connection.execute(sa.text("UPDATE slots SET not_before = now() + interval '1 hour'"))
    assert metrics.samples(runtime)[ages[0]][()] == 0
    assert stored.job.id


def test_requests_are_counted_by_the_pattern_of_their_address(client: TestClient) -> None:
    for _ in range(2):
        client.get(f"/v1/jobs/{new_id()}")
    client.get("/nowhere/canary-9f3")
    found = served(client)
    labels = (("method", "GET"), ("route", "/v1/jobs/{job_id}"), ("status", "404"))
    assert found["cultivar_http_requests_total", labels] == 2
    lost = (("method", "GET"), ("route", "none"), ("status", "404"))
    assert found["cultivar_http_requests_total", lost] == 1
    assert not any("canary" in str(key) for key in found)


def test_without_postgres_the_scrape_says_so(runtime: Runtime, tmp_path: Path) -> None:
    away = Database(f"postgresql+psycopg:///none?host={tmp_path}")
    with connected_client(replace(runtime, database=away)) as client:
        client.get("/healthz")
        found = served(client)
        assert found["cultivar_database_up", ()] == 0
        assert not any(name.startswith("cultivar_jobs") for name, _ in found)
        assert any(name == "cultivar_http_requests_total" for name, _ in found)
    away.close()


def test_no_key_and_no_text_are_served(client: TestClient, runtime: Runtime) -> None:
    stored_job(runtime)
    stored_teacher(runtime, name="other", api_key=SecretStr(KEY))
    text = client.get("/metrics").text
    assert not any(word in text for word in (KEY, "Describe tree", "127.0.0.1"))


def test_a_scrape_a_second_asks_the_database() -> None:
    asked: list[float] = []
    now_s = [0.0]

    def compute() -> dict[str, dict[tuple[str, ...], float]]:
        asked.append(now_s[0])
        return {}

    board = MetricsBoard(compute, lambda: now_s[0])
    for now_s[0] in (0.0, 0.5, 0.9, 1.0, 1.5, 2.1):
        board.text()
    assert asked == [0.0, 1.0, 2.1]
