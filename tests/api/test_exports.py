"""Exports over HTTP: asked for, made, downloaded whole and in part."""

import hashlib
import json
from pathlib import Path
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.runtime import Runtime
from app.use_cases import exports
from tests.api.stored_job import stored_job


def make(client: TestClient, runtime: Runtime, job_id: UUID, kind: str = "alpaca_jsonl") -> str:
    """The id of an export that is ready."""
    answer = client.post("/v1/exports", json={"job_id": str(job_id), "format": kind})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    export_id = answer.json()["id"]
    assert answer.headers["location"] == f"/v1/exports/{export_id}"
    exports.make(runtime, UUID(export_id))
    return export_id


def test_a_ready_export_is_described(client: TestClient, runtime: Runtime) -> None:
    job_id = stored_job(runtime).job.id
    export_id = make(client, runtime, job_id)
    shown = client.get(f"/v1/exports/{export_id}").json()
    assert (shown["state"], shown["row_count"], shown["format"]) == ("ready", 2, "alpaca_jsonl")
    assert shown["manifest"]["sha256"] == shown["sha256"]
    assert shown["download"] == f"/v1/exports/{export_id}/download"
    for query in ("", f"?job_id={job_id}"):
        assert client.get(f"/v1/exports{query}").json()["items"] == [shown]
    assert client.get(f"/v1/exports?job_id={export_id}").json()["items"] == []


def test_download_is_the_file(client: TestClient, runtime: Runtime) -> None:
    export_id = make(client, runtime, stored_job(runtime).job.id)
    shown = client.get(f"/v1/exports/{export_id}").json()
    answer = client.get(shown["download"])
    assert [json.loads(line)["output"] for line in answer.text.splitlines()] == [
        "It is tree 0.",
        "It is tree 1.",
    ]
    assert hashlib.sha256(answer.content).hexdigest() == shown["sha256"]
    assert answer.headers["etag"] == f'"{shown["sha256"]}"'
    assert answer.headers["content-length"] == str(shown["bytes"])
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"].startswith('attachment; filename="alpaca_jsonl-')
    assert answer.headers["x-content-type-options"] == "nosniff"
    head = client.head(shown["download"])
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(shown["bytes"])


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=3-9", 3, 9),
        ("bytes=5-", 5, None),
        ("bytes=-4", -4, None),
        ("bytes=-99999", 0, None),
        ("bytes=5-99999", 5, None),
    ],
)
def test_one_range(
    client: TestClient, runtime: Runtime, given: str, first: int, last: int | None
) -> None:
    path = f"/v1/exports/{make(client, runtime, stored_job(runtime).job.id)}/download"
    whole = client.get(path).content
    first = first % len(whole)
    end = len(whole) if last is None else last + 1
    answer = client.get(path, headers={"range": given})
    assert (answer.status_code, answer.content) == (206, whole[first:end])
    assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{len(whole)}"


def test_conditions_of_a_download(client: TestClient, runtime: Runtime) -> None:
    path = f"/v1/exports/{make(client, runtime, stored_job(runtime).job.id)}/download"
    etag = client.get(path).headers["etag"]
    part = {"range": "bytes=0-3"}
    assert client.get(path, headers={**part, "if-range": etag}).status_code == 206
    assert client.get(path, headers={**part, "if-range": '"other"'}).status_code == 200
    assert client.get(path, headers={"range": "lines=1-2"}).status_code == 200
    unchanged = client.get(path, headers={"if-none-match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    refused = client.get(path, headers={"range": "bytes=99999-"})
    assert refused.headers["content-range"].startswith("bytes */")


def test_a_file_that_is_gone_is_not_found(client: TestClient, runtime: Runtime) -> None:
    export_id = make(client, runtime, stored_job(runtime).job.id)
    (runtime.exports_directory / f"{export_id}.jsonl").unlink()
    answer = client.get(f"/v1/exports/{export_id}/download")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_delete_removes_the_file(client: TestClient, runtime: Runtime) -> None:
    export_id = make(client, runtime, stored_job(runtime).job.id)
    assert client.delete(f"/v1/exports/{export_id}").status_code == 204
    assert client.get(f"/v1/exports/{export_id}").status_code == 404
    assert list(Path(runtime.exports_directory).iterdir()) == []


def test_every_format_can_be_made(client: TestClient, runtime: Runtime) -> None:
    job_id = stored_job(runtime).job.id
    for kind in client.get("/v1/formats").json()["items"]:
        export_id = make(client, runtime, job_id, kind["name"])
        shown = client.get(f"/v1/exports/{export_id}").json()
        left_out = {"no_reasoning_before_an_answer": 2} if kind["name"] == "flan_cot" else {}
        assert shown["manifest"]["left_out"] == left_out
        assert shown["row_count"] == 2 - sum(left_out.values())


def test_packaging_is_kept_and_names_the_file(client: TestClient, runtime: Runtime) -> None:
    body = {
        "job_id": str(stored_job(runtime).job.id),
        "format": "alpaca_jsonl",
        "packaging": {"test": 0.5, "split_by": "instruction"},
    }
    export_id = client.post("/v1/exports", json=body).json()["id"]
    exports.make(runtime, UUID(export_id))
    shown = client.get(f"/v1/exports/{export_id}").json()
    assert shown["packaging"]["test"] == 0.5
    assert shown["manifest"]["rows_by_split"] == {"train": 1, "test": 1}
    answer = client.get(shown["download"])
    assert answer.headers["content-type"] == "application/zip"
    assert answer.content[:2] == b"PK"
    assert answer.headers["content-disposition"].endswith('.zip"')


def test_packaging_that_does_not_fit_is_refused(client: TestClient, runtime: Runtime) -> None:
    job_id = str(stored_job(runtime).job.id)
    body = {"job_id": job_id, "format": "moss", "packaging": {"container": "parquet"}}
    answer = client.post("/v1/exports", json=body)
    assert answer.status_code == 422
    [problem] = answer.json()["errors"]
    assert (problem["pointer"], problem["code"]) == ("/packaging/container", "unfit_container")
    assert {"container", "test"} <= {
        each["name"] for each in client.get("/v1/packaging").json()["items"]
    }
