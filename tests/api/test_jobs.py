"""Jobs over HTTP: submitted, followed, steered, and their parts read."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from app.api.job_bodies import JobStatusOut
from app.db import counts
from app.db import jobs as job_queries
from app.db.counts import Tally
from app.domain.lifecycle import JobState
from app.runtime import Runtime
from app.use_cases import exports
from tests.api.stored_job import (
    stored_batch,
    stored_job,
    stored_seed_set,
    stored_teacher,
    submitted_job,
)


def submit(client: TestClient, runtime: Runtime, **more: Any) -> Mapping[str, Any]:
    """The answer to a submission that must succeed."""
    body = {
        "seed_set_id": str(stored_seed_set(runtime)),
        "teacher_id": str(stored_teacher(runtime)),
        "target_rows": 20,
        **more,
    }
    answer = client.post("/v1/jobs", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return answer.json()


def move(runtime: Runtime, job_id: UUID, *states: JobState) -> None:
    """Move a job as workers would."""
    with runtime.database.transaction() as connection:
        for state in states:
            assert job_queries.move(connection, job_id, state)


def test_a_job_is_queued_with_its_defaults(client: TestClient, runtime: Runtime) -> None:
    job = submit(client, runtime)
    assert (job["state"], job["method"], job["profile"]) == ("queued", "self_instruct", "default")
    assert (job["cap_calls"], job["target_rows"], job["random_seed"]) == (200, 20, 42)
    assert job["calls"] == {"issued": 0, "accepted": 0, "rejected": 0, "failed": 0, "pending": 0}
    assert job["money"]["micro_usd_per_accepted_row"] is None
    events = client.get(job["links"]["events"]).json()["items"]
    assert [(each["from_state"], each["to_state"]) for each in events] == [(None, "queued")]


def test_options_lie_over_the_profile(client: TestClient, runtime: Runtime) -> None:
    job = submit(
        client,
        runtime,
        name="papery",
        profile="paper",
        options={"new_instructions": 3},
        cap_micro_usd=5_000_000,
        cap_calls=7,
        random_seed=2**63 - 1,
        tokens="unicode",
    )
    assert (job["name"], job["profile"], job["cap_calls"]) == ("papery", "paper", 7)
    assert job["money"]["cap_micro_usd"] == 5_000_000
    assert (job["options"]["new_instructions"], job["options"]["order"]) == (3, "strict")
    assert job["random_seed"] == 2**63 - 1


def test_a_job_tells_of_its_own_prompts(client: TestClient, runtime: Runtime) -> None:
    own = {"propose": "Weitere Aufgaben:\n{{tasks}}\n{{next}}.", "classify.system": ""}
    job = submit(client, runtime, prompts=own)
    assert job["prompts"].keys() == own.keys()
    version = job["prompts"]["propose"]
    assert version.startswith("self_instruct/propose.en@sha256:")
    assert client.get(f"/v1/jobs/{job['id']}").json()["prompts"] == job["prompts"]
    page = client.get(f"/v1/jobs/{job['id']}/prompts").json()
    told = {each["name"]: each for each in page["items"]}
    mine = {"name": "propose", "version": version, "own": True, "text": own["propose"]}
    assert told["propose"] == mine
    assert (told["classify.system"]["text"], told["classify"]["own"]) == ("", False)
    assert told["answer_input_first"]["version"] == "self_instruct/answer_input_first.en@1"
    assert client.get(f"/v1/jobs/{job['seed_set_id']}/prompts").status_code == 404
    again = {name: job[name] for name in ("seed_set_id", "teacher_id", "target_rows")}
    for prompts, expected in ((own, job["prompts"]), ({}, {})):
        answer = client.post("/v1/jobs", json=again | {"prompts": prompts})
        assert answer.json()["prompts"] == expected


def test_the_status_counts_everything(client: TestClient, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    answer = client.get(f"/v1/jobs/{stored.job.id}")
    status = JobStatusOut.model_validate_json(answer.content)
    calls = status.calls
    assert calls.accepted + calls.rejected + calls.failed + calls.pending == calls.issued == 2
    assert status.rows.model_dump() == {"accepted": 3, "rejected": 1, "surplus": 1}
    assert (status.candidates, status.drops) == ({"novel": 4}, {"empty_output": 1})
    assert status.errors == {"server_error": 1}
    assert status.poll_after_s == int(answer.headers["retry-after"]) == 2
    assert answer.headers["cache-control"] == "private, no-cache"


def test_a_job_whose_replies_are_cut_off_warns(client: TestClient, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    path = f"/v1/jobs/{job.id}"
    tally = Tally({("reply", "cut"): 20, ("slot", "done"): 30})
    with runtime.database.transaction() as connection:
        counts.add(connection, job.id, tally)
    warning = client.get(path).json()["warnings"][0]
    assert warning["code"] == "replies_cut"
    assert "20 of 30 replies" in warning["detail"]


def test_an_unchanged_status_is_not_sent_again(client: TestClient, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    path = f"/v1/jobs/{job.id}"
    etag = client.get(path).headers["etag"]
    assert etag.startswith('W/"')
    same = client.get(path, headers={"if-none-match": f'"other", {etag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert same.headers["retry-after"] == "2"
    client.post(f"{path}/pause")
    changed = client.get(path, headers={"if-none-match": etag})
    assert (changed.status_code, changed.json()["state"]) == (200, "paused")
    assert changed.headers["etag"] != etag


def test_pause_resume_cancel(client: TestClient, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    move(runtime, job.id, JobState.RUNNING)
    for action, state in [
        ("pause", "paused"),
        ("pause", "paused"),
        ("resume", "running"),
        ("resume", "running"),
        ("cancel", "cancelling"),
        ("cancel", "cancelling"),
    ]:
        answer = client.post(f"/v1/jobs/{job.id}/{action}")
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    move(runtime, job.id, JobState.CANCELLED)
    assert client.post(f"/v1/jobs/{job.id}/cancel").json()["state"] == "cancelled"
    states = [each["to_state"] for each in client.get(f"/v1/jobs/{job.id}/events").json()["items"]]
    assert states == ["queued", "running", "paused", "running", "cancelling", "cancelled"]


@pytest.mark.parametrize("body", [None, {}, {"only": None}, {"only": "failed"}])
def test_retry_makes_failed_calls_ready(
    client: TestClient, runtime: Runtime, body: Mapping[str, Any] | None
) -> None:
    stored = stored_job(runtime)
    move(runtime, stored.job.id, JobState.RUNNING, JobState.FAILED)
    answer = client.post(f"/v1/jobs/{stored.job.id}/retry", json=body)
    assert answer.status_code == 200, answer.text
    calls = answer.json()["calls"]
    assert (calls["failed"], calls["pending"], calls["issued"]) == (0, 1, 2)
    assert answer.json()["state"] == "running"


def test_change_of_caps(client: TestClient, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    body = {"name": "renamed", "target_rows": 9, "cap_calls": 3, "cap_micro_usd": 0}
    changed = client.patch(f"/v1/jobs/{job.id}", json=body).json()
    assert (changed["name"], changed["target_rows"], changed["cap_calls"]) == ("renamed", 9, 3)
    assert changed["money"]["cap_micro_usd"] == 0
    assert client.patch(f"/v1/jobs/{job.id}", json={}).json()["name"] == "renamed"


def test_the_list_filters_by_state(client: TestClient, runtime: Runtime) -> None:
    queued, running = submitted_job(runtime), None
    body = {"seed_set_id": str(queued.seed_set_id), "teacher_id": str(queued.teacher_id)}
    running = UUID(client.post("/v1/jobs", json={**body, "target_rows": 1}).json()["id"])
    move(runtime, running, JobState.RUNNING)
    everything = client.get("/v1/jobs").json()["items"]
    assert [each["id"] for each in everything] == [str(running), str(queued.id)]
    for state, job_id in (("queued", queued.id), ("running", running)):
        found = client.get(f"/v1/jobs?state={state}").json()["items"]
        assert [each["id"] for each in found] == [str(job_id)]
    assert client.get("/v1/jobs?state=failed").json() == {"items": [], "next": None}


def test_calls_of_a_job(client: TestClient, runtime: Runtime) -> None:
    path = f"/v1/jobs/{stored_job(runtime).job.id}/calls"
    first = client.get(f"{path}?limit=1").json()
    second = client.get(f"{path}?limit=1&cursor={first['next']}").json()
    done, failed = first["items"] + second["items"]
    assert (done["state"], done["prompt_tokens"], done["cost_micro_usd"]) == ("done", 7, 11)
    assert (failed["state"], failed["status"], second["next"]) == ("failed", None, None)
    assert client.get(f"{path}?state=failed").json()["items"] == [failed]


def test_candidates_of_a_job(client: TestClient, runtime: Runtime) -> None:
    path = f"/v1/jobs/{stored_job(runtime).job.id}/candidates"
    first = client.get(f"{path}?limit=3").json()
    second = client.get(f"{path}?limit=3&cursor={first['next']}").json()
    assert [each["position"] for each in first["items"] + second["items"]] == [3, 2, 1, 0]
    assert first["items"][0]["nearest_score"] == 0.25
    assert client.get(f"{path}?state=duplicate").json()["items"] == []
    assert client.get(f"{path}?reason=too_similar").json()["items"] == []


def test_rows_of_a_job(client: TestClient, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    path = f"/v1/jobs/{stored.job.id}/rows"
    first = client.get(f"{path}?limit=2").json()
    second = client.get(f"{path}?limit=2&cursor={first['next']}").json()
    found = first["items"] + second["items"]
    assert [each["id"] for each in found] == [str(each) for each in stored.row_ids]
    rejected = client.get(f"{path}?state=rejected").json()["items"]
    assert [each["reasons"] for each in rejected] == [["empty_output"]]
    assert len(client.get(f"{path}?state=all").json()["items"]) == 4


def test_delete_removes_a_finished_job_and_its_exports(
    client: TestClient, runtime: Runtime
) -> None:
    stored = stored_job(runtime)
    export = exports.request(runtime, stored.job.id, "alpaca")
    exports.make(runtime, export.id)
    move(runtime, stored.job.id, JobState.RUNNING, JobState.SUCCEEDED)
    path = f"/v1/jobs/{stored.job.id}"
    assert client.get(path).status_code == 200
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.get(f"/v1/exports/{export.id}").status_code == 404
    assert list(runtime.exports_directory.iterdir()) == []


def test_a_job_in_batches_shows_them(client: TestClient, runtime: Runtime) -> None:
    job = stored_batch(runtime)
    shown = client.get(f"/v1/jobs/{job.id}").json()
    assert shown["delivery"] == "batch"
    answer = client.get(shown["links"]["batches"])
    (batch,) = answer.json()["items"]
    assert answer.json()["next"] is None
    assert (batch["state"], batch["provider_batch_id"]) == ("claimed", "batch_7")
    assert (batch["requests"], batch["completed"], batch["failed"]) == (40, 30, 0)
    assert client.get(f"/v1/jobs/{UUID(int=7)}/batches").status_code == 404


def test_a_job_of_single_calls_has_no_batches(client: TestClient, runtime: Runtime) -> None:
    job = submit(client, runtime)
    assert job["delivery"] == "calls"
    assert client.get(job["links"]["batches"]).json() == {"items": [], "next": None}


def test_a_batch_job_without_batch_prices_is_refused(client: TestClient, runtime: Runtime) -> None:
    body = {
        "seed_set_id": str(stored_seed_set(runtime)),
        "teacher_id": str(stored_teacher(runtime)),
        "target_rows": 20,
        "delivery": "batch",
    }
    answer = client.post("/v1/jobs", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "price_required")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/delivery"
    assert "batch_input_micro_usd_per_million" in error["detail"]


def test_a_report_as_json_and_as_a_page(client: TestClient, runtime: Runtime) -> None:
    job_id = stored_job(runtime).job.id
    report = client.get(f"/v1/jobs/{job_id}/report").json()
    assert report["rows"] == 2, "as many as an export has"
    assert {"name": "rows accepted", "count": 3} in report["funnel"]
    assert report["verbs"] == [{"verb": "describe", "count": 2, "nouns": {"number": 2}}]
    page = client.get(f"/v1/jobs/{job_id}/report.html")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<svg" in page.text
    for kind in ("report", "report.html"):
        assert client.get(f"/v1/jobs/{uuid4()}/{kind}").status_code == 404
