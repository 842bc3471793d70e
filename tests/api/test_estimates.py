"""Estimates over HTTP, and what a job says of money."""

from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from app.runtime import Runtime
from tests.api.stored_job import stored_job, stored_seed_set, stored_teacher


def ask(client: TestClient, runtime: Runtime, **prices: Any) -> dict[str, Any]:
    body = {
        "seed_set_id": str(stored_seed_set(runtime)),
        "teacher_id": str(stored_teacher(runtime, **prices)),
        "target_rows": 20,
        "cap_micro_usd": 9_000,
        "reuse": "prefer",
    }
    answer = client.post("/v1/estimates", json=body)
    assert answer.status_code == 200, answer.text
    assert client.get("/v1/jobs").json()["items"] == []
    return answer.json()


def test_an_estimate_of_what_is_not_submitted(client: TestClient, runtime: Runtime) -> None:
    prices = {"input_micro_usd_per_million": 150_000, "output_micro_usd_per_million": 600_000}
    found = ask(client, runtime, **prices)
    assert found["calls"]["most"] == found["cap_calls"] == 200
    for name in ("calls", "prompt_tokens", "completion_tokens", "micro_usd"):
        assert 0 < found[name]["expected"] <= found[name]["most"]
    assert found["micro_usd"]["most"] == found["cap_micro_usd"] == 9_000
    assert 0 < found["micro_usd_per_row"] <= 9_000
    assert found["expected_s"] > 0
    told = {each["name"]: each for each in found["assumptions"]}
    assert told["concurrency"]["value"] == 20
    assert told["input_price"]["text"].startswith("$0.1500 per million input tokens")
    assert told["rows_per_answer"]["origin"] == "assumed"
    assert {"latency_s", "propose_calls", "answer_reply_tokens", "reuse"} <= told.keys()


def test_without_prices_there_is_no_money(client: TestClient, runtime: Runtime) -> None:
    found = ask(client, runtime, input_micro_usd_per_million=None)
    assert found["micro_usd"] is found["micro_usd_per_row"] is None
    assert "never guessed" in found["no_money"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"reuse": "always"}, "/reuse"), ({"target_rows": 0}, "/target_rows")],
)
def test_what_cannot_be_run_is_not_estimated(
    client: TestClient, runtime: Runtime, body: dict[str, object], pointer: str
) -> None:
    known = {
        "seed_set_id": str(stored_seed_set(runtime)),
        "teacher_id": str(stored_teacher(runtime)),
        "target_rows": 20,
    }
    for path in ("/v1/estimates", "/v1/jobs"):
        answer = client.post(path, json={**known, **body})
        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


def test_a_job_tells_what_a_row_costs_and_what_was_saved(
    client: TestClient, runtime: Runtime
) -> None:
    stored = stored_job(runtime)
    with runtime.database.transaction() as connection:
        connection.execute(
            sa.text(
                "UPDATE jobs SET spent_micro_usd = 100, reused_calls = 4, saved_micro_usd = 70, "
                "reuse = 'prefer'"
            )
        )
    job = client.get(f"/v1/jobs/{stored.job.id}").json()
    assert job["money"]["micro_usd_per_accepted_row"] == 34  # 100 by 3, rounded up
    assert job["saved"] == {"calls": 4, "micro_usd": 70}
    assert job["reuse"] == "prefer"
    page = client.get(f"/dashboard/jobs/{stored.job.id}").text
    assert "$0.0000" in page
    assert "4 calls reused" in page
    call = client.get(f"/v1/jobs/{stored.job.id}/calls").json()["items"][0]
    assert call["reused_from_job_id"] is call["reused_from_slot_id"] is None
