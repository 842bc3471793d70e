"""Rows over HTTP, and where they came from."""

from starlette.testclient import TestClient

from app.runtime import Runtime
from tests.api.stored_job import stored_job


def test_one_row(client: TestClient, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    row = client.get(f"/v1/rows/{stored.row_ids[1]}").json()
    assert (row["instruction"], row["output"]) == ("Describe tree number 1.", "It is tree 1.")
    assert (row["state"], row["reasons"], row["job_id"]) == ("accepted", [], str(stored.job.id))
    rejected = client.get(f"/v1/rows/{stored.rejected_row_id}").json()
    assert (rejected["state"], rejected["reasons"]) == ("rejected", ["empty_output"])


def test_rows_by_job(client: TestClient, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    path = f"/v1/rows?job_id={stored.job.id}"
    page = client.get(f"{path}&limit=2").json()
    rest = client.get(f"{path}&limit=2&cursor={page['next']}").json()
    assert page["items"] + rest["items"] == client.get(path).json()["items"]
    assert rest["next"] is None


def test_lineage_shows_prompt_and_raw_reply(client: TestClient, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    lineage = client.get(f"/v1/rows/{stored.row_ids[0]}/lineage").json()
    assert lineage["row"]["id"] == str(stored.row_ids[0])
    assert lineage["propose"]["prompt"] == {"text": "Come up with tasks."}
    assert lineage["propose"]["slot_id"] == str(stored.call_id)
    assert "9. Water it." in lineage["propose"]["raw_reply"]
    assert [each["kind"] for each in lineage["sources"]] == ["seed"]
    assert lineage["nearest_score"] == 0.25
