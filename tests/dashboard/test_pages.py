"""The pages: what they show, what they send with it, and that no text breaks out of them."""

import re
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from app.dashboard.pages.jobs import PAGE_SIZE
from app.dashboard.rendering import POLICY
from app.dashboard.static_files import address
from app.db import counts
from app.db.counts import Tally
from app.domain.stored import Job
from app.runtime import Runtime
from app.use_cases import jobs
from app.use_cases.jobs import JobChanges, JobDetails
from tests.api.stored_job import stored_batch, stored_job, submitted_job

PAYLOAD = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{7777*7777}}"
LIST = "/dashboard/jobs"
NOBODY = "019a0000-0000-7000-8000-000000000000"


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def count_rows(runtime: Runtime, job: Job, rows: int) -> None:
    """Count further accepted rows of a job, as admission does."""
    with runtime.database.transaction() as connection:
        counts.add(connection, job.id, Tally({("row", "accepted"): rows}))


def test_the_way_in_leads_to_the_jobs(browser: TestClient) -> None:
    for path in ("/", "/dashboard"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (302, LIST)


def test_an_empty_list_says_how_to_begin(browser: TestClient) -> None:
    assert "cultivar generate" in browser.get(LIST).text


def test_the_list_shows_counts_and_progress(browser: TestClient, runtime: Runtime) -> None:
    job = submitted_job(runtime, target_rows=8)
    count_rows(runtime, job, 3)
    text = browser.get(LIST).text
    assert f'href="{LIST}/{job.id}"' in text
    assert '<progress max="8" value="3"' in text
    assert "queued" in text


def test_older_jobs_are_a_page_away(browser: TestClient, runtime: Runtime) -> None:
    first = submitted_job(runtime)
    for _ in range(PAGE_SIZE):
        jobs.submit(runtime, JobDetails(first.seed_set_id, first.teacher_id, 2))
    text = browser.get(LIST).text
    assert str(first.id) not in text
    older = re.search(r'href="([^"]+cursor=[^"]+)">next page', text)
    assert older
    assert str(first.id) in browser.get(older[1]).text
    assert "next page" not in browser.get(older[1]).text


def test_the_job_page_warns_and_quotes_the_teacher(browser: TestClient, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    with runtime.database.transaction() as connection:
        tally = Tally({("reply", "cut"): 20, ("slot", "done"): 30, ("slot", "failed"): 1})
        counts.add(connection, stored.job.id, tally)
        connection.exec_driver_sql(
            "UPDATE slots SET state = 'failed', reason = 'refused', detail = %s", (PAYLOAD,)
        )
    text = browser.get(f"{LIST}/{stored.job.id}").text
    assert re.search(r"Warning: 20 of \d+ replies were cut off", text)
    assert "refused" in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text


def test_the_job_page_shows_the_whole_story(browser: TestClient, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    text = browser.get(f"{LIST}/{stored.job.id}").text
    for told in (
        "empty output",
        "server error",
        "Newest rows",
        "Pause",
        "Cancel",
        "1 more as surplus",
    ):
        assert told in text, told


def test_the_job_page_shows_batches(browser: TestClient, runtime: Runtime) -> None:
    text = browser.get(f"{LIST}/{stored_batch(runtime).id}").text
    for told in ("Batches", "batch_7", "in_progress", "delivered in batches"):
        assert told in text, told


@pytest.mark.parametrize("path", [LIST, f"{LIST}/{{job}}", f"{LIST}/{{job}}/cancel"])
def test_a_script_in_a_name_stays_text(browser: TestClient, runtime: Runtime, path: str) -> None:
    job = submitted_job(runtime)
    jobs.change(runtime, job.id, JobChanges(name=PAYLOAD))
    text = browser.get(path.format(job=job.id)).text
    assert "<script>alert" not in text
    tags = Tags(text).found
    assert [tag for tag, _ in tags if tag == "img"] == []
    assert all(not name.startswith("on") for _, attributes in tags for name in attributes)
    assert [attributes["src"] for tag, attributes in tags if tag == "script"] == [
        address("dashboard.js")
    ]
    assert "60481729" not in text


@pytest.mark.parametrize(
    "path",
    [
        LIST,
        f"{LIST}/fragment",
        f"{LIST}/{NOBODY}",
        "/dashboard/static/dashboard.js",
        "/",
        f"{LIST}/x",
    ],
)
def test_everything_carries_the_policy(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_pages_need_nothing_inline_and_nobody_else(browser: TestClient, runtime: Runtime) -> None:
    job = stored_job(runtime).job
    for path in (LIST, f"{LIST}/{job.id}"):
        tags = Tags(browser.get(path).text).found
        assert all("style" not in attributes for _, attributes in tags)
        assert all(tag != "style" for tag, _ in tags)
        addresses = [a.get("src") or a.get("href") or a.get("action") or "/" for _, a in tags]
        assert all(address.startswith(("/", "#content")) for address in addresses if address)


def test_a_fragment_is_sent_once(browser: TestClient, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    for page in (LIST, f"{LIST}/{job.id}"):
        path = f"{page}/fragment"
        first = browser.get(path)
        assert first.headers["retry-after"] == "2"
        assert "<html" not in first.text
        same = {"If-None-Match": first.headers["etag"]}
        assert (again := browser.get(path, headers=same)).status_code == 304
        assert again.content == b""
        count_rows(runtime, job, 1)
        assert browser.get(path, headers=same).status_code == 304, "one look serves all for 2 s"
        assert browser.get(page).status_code == 200, "a whole page is looked at anew"
        assert browser.get(path, headers=same).status_code == 200


def test_a_job_that_stands_still_is_asked_for_seldom(browser: TestClient, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    jobs.pause(runtime, job.id)
    assert 'data-poll-s="15"' in browser.get(f"{LIST}/fragment").text


def test_the_first_view_is_the_fragment(browser: TestClient, runtime: Runtime) -> None:
    job = stored_job(runtime).job
    for path in (LIST, f"{LIST}/{job.id}"):
        assert browser.get(f"{path}/fragment").text.strip() in browser.get(path).text


@pytest.mark.parametrize(
    "path", [f"{LIST}/{NOBODY}", f"{LIST}/x", f"{LIST}?cursor=x", "/dashboard/static/router.py"]
)
def test_what_is_not_there_is_a_page_too(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "All jobs" in answer.text


def test_static_files(browser: TestClient) -> None:
    for name, kind in (("dashboard.css", "text/css"), ("dashboard.js", "text/javascript")):
        answer = browser.get(f"/dashboard/static/{name}")
        assert answer.headers["content-type"].startswith(kind)


def test_pages_are_no_part_of_the_api(browser: TestClient) -> None:
    assert not [
        path for path in browser.get("/openapi.json").json()["paths"] if "dashboard" in path
    ]
