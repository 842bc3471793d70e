"""Scores on the dashboard: asked for from a job's page, seen with the rows, searched by."""

from starlette.testclient import TestClient

from app.db import scores
from app.runtime import Runtime
from tests.api.stored_job import stored_job

EVIL = "<script>alert(1)</script>"


def test_scores_are_shown_and_searched(browser: TestClient, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    first, *others = stored.row_ids
    said = {
        "row_id": first,
        "judge_job_id": stored.job.id,
        "overall": 4.25,
        "scores": {EVIL: [4.0, 4.5]},
        "slot_id": None,
    }
    with runtime.database.transaction() as connection:
        scores.insert(connection, [said])
    address = f"/dashboard/rows?job={stored.job.id}&min_score="
    found = browser.get(f"{address}4").text
    assert "4.25" in found
    assert f"/dashboard/rows/{first}" in found
    assert others
    assert not any(f"/dashboard/rows/{each}" in found for each in others)
    for nothing in ("4.3", "1e308"):
        assert f"/dashboard/rows/{first}" not in browser.get(address + nothing).text
    for unread in ("nan", "inf", "x", ""):
        answer = browser.get(address + unread)
        assert (answer.status_code, f"/dashboard/rows/{first}" in answer.text) == (200, True)
    row = browser.get(f"/dashboard/rows/{first}").text
    assert "Judged 4.25" in row
    assert "4.0, 4.5" in row
    assert EVIL not in row
    api = browser.get("/v1/rows", params={"job_id": str(stored.job.id), "min_score": 4}).json()
    assert [each["scores"][0]["overall"] for each in api["items"]] == [4.25]
    lineage = browser.get(f"/v1/rows/{first}/lineage").json()
    assert lineage["scores"] == lineage["row"]["scores"]
    assert lineage["scores"][0]["scores"] == {EVIL: [4.0, 4.5]}
    refused = {"job_id": str(stored.job.id), "min_score": 4, "state": "all"}
    assert browser.get("/v1/rows", params=refused).status_code == 422
    report = browser.get(f"/v1/jobs/{stored.job.id}/report.html").text
    assert EVIL not in report


def test_a_judging_begins_on_the_page_of_a_job(browser: TestClient, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    address = f"/dashboard/jobs/new?method=judge&source={stored.job.id}"
    assert address.replace("&", "&amp;") in browser.get(f"/dashboard/jobs/{stored.job.id}").text
    form = browser.get(address).text
    assert "Jobs whose rows are judged" in form
    assert f'value="{stored.job.id}" checked' in form
