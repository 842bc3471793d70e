"""Filters and evaluation sets over HTTP: described, chosen for a job, tried on its rows."""

import hashlib
from typing import Any
from uuid import uuid4

from starlette.testclient import TestClient

from app.domain.filtering import NAMES
from app.runtime import Runtime
from tests.api.stored_job import stored_job, stored_seed_set, stored_teacher

JSONL = {"content-type": "application/x-ndjson"}
ITEMS = b'{"instruction": "Describe the tree number 0.", "note": "x"}\n{"instruction": "Rest."}\n'


def add_set(client: TestClient, status: int = 201) -> dict[str, Any]:
    answer = client.post("/v1/evaluation-sets?name=exam&licence=CC0", content=ITEMS, headers=JSONL)
    assert answer.status_code == status, answer.text
    assert answer.headers["location"] == f"/v1/evaluation-sets/{answer.json()['id']}"
    return answer.json()


def test_every_filter_describes_itself(client: TestClient) -> None:
    found = client.get("/v1/filters").json()
    assert [each["name"] for each in found["items"]] == list(NAMES)
    by_name = {each["name"]: each for each in found["items"]}
    loop = by_name["repetition_loop"]
    assert loop["kind"] == "row"
    assert "1904.09751" in loop["source"]
    assert [each["name"] for each in loop["settings"]] == ["times", "least_tokens"]
    assert loop["on_by_default"]["alpaca"] == "drop"
    assert by_name["email_address"]["on_by_default"]["self_instruct"] == "flag"
    assert by_name["link"]["on_by_default"] == {}
    assert by_name["word_count"]["reasons"] == ["too_short", "too_long"]


def test_an_evaluation_set_comes_and_goes(client: TestClient) -> None:
    added = add_set(client)
    assert (added["created"], added["row_count"], added["licence"]) == (True, 2, "CC0")
    assert added["sha256"] == hashlib.sha256(ITEMS).hexdigest()
    assert add_set(client, 200)["created"] is False
    path = f"/v1/evaluation-sets/{added['id']}"
    shown = client.get(path).json()
    assert {**shown, "created": True} == added
    assert client.get("/v1/evaluation-sets").json() == {"items": [shown], "next": None}
    items = client.get(f"{path}/items").json()["items"]
    assert [(each["position"], each["instruction"]) for each in items] == [
        (0, "Describe the tree number 0."),
        (1, "Rest."),
    ]
    wrong = client.post("/v1/evaluation-sets?name=x", content=b"x", headers={"content-type": "a/b"})
    assert wrong.status_code == 415
    bad = client.post("/v1/evaluation-sets?name=x", content=b"{", headers=JSONL)
    assert (bad.status_code, bad.json()["error_count"]) == (422, 1)
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_a_job_says_which_filters_and_sets_it_has(client: TestClient, runtime: Runtime) -> None:
    exam = add_set(client)
    body = {
        "seed_set_id": str(stored_seed_set(runtime)),
        "teacher_id": str(stored_teacher(runtime)),
        "target_rows": 5,
        "filters": {"refusal": False, "link": {"where": ["output"], "action": "flag"}},
        "decontamination": {"evaluation_set_ids": [exam["id"]], "ngram": 8, "action": "flag"},
    }
    answer = client.post("/v1/jobs", json=body)
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert job["filters"]["refusal"] is None
    assert job["filters"]["link"] == {"action": "flag", "where": ["output"]}
    assert job["filters"]["as_an_ai"] == {"action": "drop"}
    assert job["decontamination"] == {
        "evaluation_set_ids": [exam["id"]],
        "ngram": 8,
        "rouge_l": 0.7,
        "action": "flag",
    }
    assert (job["flags"], job["overlaps"]) == ({}, [])
    in_use = client.delete(f"/v1/evaluation-sets/{exam['id']}")
    assert (in_use.status_code, in_use.json()["code"]) == (409, "in_use")
    assert client.post("/v1/estimates", json=body).status_code == 200
    paper = client.post("/v1/jobs", json={**body, "profile": "paper", "filters": {}}).json()
    assert paper["filters"] == {}


def test_a_preview_tells_what_would_change(client: TestClient, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    exam = add_set(client)
    path = f"/v1/jobs/{stored.job.id}/filters/preview"
    before = client.get(f"/v1/jobs/{stored.job.id}/rows?state=all").json()
    body = {
        "filters": {"empty_output": False, "prompt_leak": {"phrases": ["number 1"]}},
        "decontamination": {"evaluation_set_ids": [exam["id"]]},
        "examples": 1,
    }
    found = client.post(path, json=body).json()
    assert (found["rows"], found["accepted"], found["complete"]) == (4, 3, True)
    assert found["dropped"] == {"rouge_l_overlap": 3} | found["dropped"]
    assert found["overlaps"][0]["evaluation_set_id"] == exam["id"]
    assert {each["change"] for each in found["examples"]} >= {"dropped"}
    assert client.get(f"/v1/jobs/{stored.job.id}/rows?state=all").json() == before
    wrong = client.post(path, json={"filters": {"refussal": 1}, "most_rows": 0})
    assert wrong.status_code == 422
    unknown = client.post(path, json={"filters": {"refussal": True}})
    assert (unknown.status_code, unknown.json()["errors"][0]["code"]) == (422, "unknown_filter")
    assert client.post(f"/v1/jobs/{uuid4()}/filters/preview", json={}).status_code == 404
