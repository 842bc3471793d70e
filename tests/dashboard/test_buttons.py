"""The buttons of a job: plain forms, which only our own pages can send."""

import pytest
from starlette.testclient import TestClient

from app.domain.lifecycle import JobState
from app.runtime import Runtime
from app.use_cases import jobs
from tests.api.stored_job import submitted_job
from tests.dashboard.conftest import ORIGIN


def test_they_act_and_lead_back(browser: TestClient, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    page = f"/dashboard/jobs/{job.id}"
    for action, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelling")):
        answer = browser.post(f"{page}/{action}", headers=ORIGIN)
        assert (answer.status_code, answer.headers["location"]) == (303, page)
        assert jobs.get(runtime, job.id).state == state


def test_only_what_is_possible_is_offered(browser: TestClient, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    page = f"/dashboard/jobs/{job.id}"
    offered = {
        JobState.QUEUED: {"pause", "cancel"},
        JobState.PAUSED: {"resume", "cancel"},
        JobState.CANCELLING: set[str](),
    }
    for state, move in (
        (JobState.QUEUED, None),
        (JobState.PAUSED, jobs.pause),
        (JobState.CANCELLING, jobs.cancel),
    ):
        if move is not None:
            move(runtime, job.id)
        text = browser.get(page).text
        assert {
            each for each in ("pause", "resume", "cancel") if f'id="{each}"' in text
        } == offered[state]


def test_cancelling_is_asked_for_twice(browser: TestClient, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    page = f"/dashboard/jobs/{job.id}"
    assert f'href="{page}/cancel"' in browser.get(page).text
    assert f'action="{page}/cancel"' in browser.get(f"{page}/cancel").text
    assert jobs.get(runtime, job.id).state is JobState.QUEUED


def test_what_is_not_possible_is_said_on_a_page(browser: TestClient, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    jobs.cancel(runtime, job.id)
    answer = browser.post(f"/dashboard/jobs/{job.id}/resume", headers=ORIGIN)
    assert answer.status_code == 409
    assert "The job is cancelling" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "http://localhost.elsewhere.example"},
        {"Origin": "http://localhost:8001"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", **ORIGIN},
        {"Sec-Fetch-Site": "same-site", **ORIGIN},
        {"Sec-Fetch-Site": "none", **ORIGIN},
    ],
)
def test_other_sites_cannot_press_them(
    browser: TestClient, runtime: Runtime, headers: dict[str, str]
) -> None:
    job = submitted_job(runtime)
    for action in ("pause", "cancel"):
        assert (
            browser.post(f"/dashboard/jobs/{job.id}/{action}", headers=headers).status_code == 403
        )
    assert jobs.get(runtime, job.id).state is JobState.QUEUED


def test_our_own_page_can(browser: TestClient, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    headers = {"Sec-Fetch-Site": "same-origin"}
    assert browser.post(f"/dashboard/jobs/{job.id}/pause", headers=headers).status_code == 303


def test_looking_changes_nothing(browser: TestClient, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    for action in ("pause", "resume"):
        assert browser.get(f"/dashboard/jobs/{job.id}/{action}").status_code == 404
    assert jobs.get(runtime, job.id).state is JobState.QUEUED
