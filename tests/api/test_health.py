"""Liveness and readiness."""

import re
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa
from starlette.testclient import TestClient

from app.db.engine import Database
from app.runtime import Runtime
from app.use_cases.sweep import sweep
from tests.api.conftest import connected_client


def test_healthz_says_ok_and_nothing_else(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok")


def test_ready_only_once_a_sweep_ran(client: TestClient, runtime: Runtime) -> None:
    before = client.get("/readyz")
    assert (before.status_code, before.headers["retry-after"]) == (503, "5")
    assert before.json()["swept"] is False
    assert before.json()["problem"].startswith("No sweep has run yet.")
    sweep(runtime)
    after = client.get("/readyz")
    assert (after.status_code, after.json()["ready"]) == (200, True)
    assert after.json()["problem"] is None
    with runtime.database.transaction() as connection:
        connection.execute(sa.text("UPDATE sweeps SET ran_at = ran_at - interval '2 minutes'"))
    stale = client.get("/readyz")
    assert (stale.status_code, stale.json()["swept"]) == (503, False)
    assert re.match(
        r"The last sweep ran 1[23]\d s ago\. Every worker sweeps", stale.json()["problem"]
    )


def test_an_unknown_schema_is_not_ready(client: TestClient, runtime: Runtime) -> None:
    sweep(runtime)
    with runtime.database.transaction() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'future'"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert (answer.json()["database"], answer.json()["schema_known"]) == (True, False)
    assert "revision future" in answer.json()["problem"]
    assert "alembic upgrade head" in answer.json()["problem"]


def test_without_postgres_everything_else_waits(runtime: Runtime, tmp_path: Path) -> None:
    away = Database(f"postgresql+psycopg:///none?host={tmp_path}")
    with connected_client(replace(runtime, database=away)) as client:
        assert client.get("/healthz").status_code == 200
        found = client.get("/readyz")
        assert (found.status_code, found.json()["database"]) == (503, False)
        assert "CULTIVAR_DATABASE_URL" in found.json()["problem"]
        for path in ("/v1/jobs", "/v1/seed-sets", "/v1/teachers"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
            assert int(answer.headers["retry-after"]) > 0
            assert str(tmp_path) not in answer.text
    away.close()
