"""The dashboard in a real Chromium: it follows a job by itself, and runs no script but its own."""

from playwright.sync_api import Browser, expect

from app.db import counts
from app.db import jobs as job_queries
from app.db.counts import Tally
from app.domain.lifecycle import JobState
from app.domain.stored import Job
from app.runtime import Runtime
from app.use_cases import jobs
from app.use_cases.jobs import JobChanges
from tests.api.stored_job import stored_job, submitted_job
from tests.browser.conftest import Site, served, watched_page

PAYLOAD = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"


def count_rows(runtime: Runtime, job: Job, rows: int) -> None:
    with runtime.database.transaction() as connection:
        counts.add(connection, job.id, Tally({("row", "accepted"): rows}))


def test_the_list_follows_a_job_by_itself(site: Site, chromium: Browser) -> None:
    job = submitted_job(site.runtime, target_rows=8)
    jobs.change(site.runtime, job.id, JobChanges(name=PAYLOAD))
    with watched_page(chromium) as (page, complaints):
        page.goto(site.url)
        expect(page.locator("h2 a")).to_have_text(PAYLOAD)
        expect(page.locator("progress")).to_have_attribute("value", "0")
        count_rows(site.runtime, job, 5)
        expect(page.locator("progress")).to_have_attribute("value", "5", timeout=8000)
        expect(page.locator("h2 a")).to_have_text(PAYLOAD)
        expect(page).to_have_title("Jobs · Cultivar")
        assert page.locator("main img, main script").count() == 0
        assert complaints == []


def test_what_does_not_change_is_not_sent_again(site: Site, chromium: Browser) -> None:
    submitted_job(site.runtime)
    statuses: list[int] = []
    with watched_page(chromium) as (page, _):
        page.on(
            "response",
            lambda answer: statuses.append(answer.status) if "fragment" in answer.url else None,
        )
        page.goto(site.url)
        page.wait_for_timeout(4600)
    assert statuses == [304, 304], "the page itself was the first answer"


def test_it_says_when_the_server_is_gone_and_when_it_is_back(site: Site, chromium: Browser) -> None:
    job = submitted_job(site.runtime, target_rows=8)
    with watched_page(chromium) as (page, _):
        page.goto(f"{site.url}/dashboard/jobs/{job.id}")
        site.stop()
        expect(page.locator("#connection")).to_contain_text(
            "No answer from the server", timeout=8000
        )
        count_rows(site.runtime, job, 2)
        site.start()
        expect(page.locator("#connection")).to_be_empty(timeout=12000)
        expect(page.locator("progress")).to_have_attribute("value", "2")


def test_it_says_when_the_thing_is_gone(site: Site, chromium: Browser) -> None:
    job = submitted_job(site.runtime)
    with watched_page(chromium) as (page, _):
        page.goto(f"{site.url}/dashboard/jobs/{job.id}")
        with site.runtime.database.transaction() as connection:
            job_queries.delete(connection, job.id)
        expect(page.locator("#connection")).to_contain_text("no longer there", timeout=8000)


def test_a_job_is_steered_without_scripts(site: Site, chromium: Browser) -> None:
    job = stored_job(site.runtime).job
    with watched_page(chromium, scripts=False) as (page, complaints):
        page.goto(f"{site.url}/dashboard/jobs/{job.id}")
        page.get_by_role("button", name="Pause").click()
        expect(page.locator(".state").first).to_have_text("paused")
        page.get_by_role("link", name="Cancel").click()
        page.get_by_role("button", name="Cancel the job").click()
        expect(page.locator(".state").first).to_have_text("cancelling")
        assert complaints == []
    assert jobs.get(site.runtime, job.id).state is JobState.CANCELLING


def test_another_process_shows_what_this_one_did(site: Site, chromium: Browser) -> None:
    job = submitted_job(site.runtime)
    with served(site.runtime) as other, watched_page(chromium) as (page, complaints):
        page.goto(f"{other.url}/dashboard/jobs/{job.id}")
        with watched_page(chromium) as (second, _):
            second.goto(f"{site.url}/dashboard/jobs/{job.id}")
            second.get_by_role("button", name="Pause").click()
            expect(second.locator(".state").first).to_have_text("paused")
        expect(page.locator(".state").first).to_have_text("paused", timeout=8000)
        assert complaints == []


def test_nobody_is_asked_while_the_page_is_hidden(site: Site, chromium: Browser) -> None:
    submitted_job(site.runtime)
    asked: list[str] = []
    with watched_page(chromium) as (page, _):
        page.on("request", lambda sent: asked.append(sent.url) if "fragment" in sent.url else None)
        page.goto(site.url)
        page.evaluate(
            "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        page.wait_for_timeout(2600)
        assert asked == []
        page.evaluate(
            "Object.defineProperty(document, 'hidden', {value: false, configurable: true});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        page.wait_for_timeout(300)
        assert len(asked) == 1, "and at once when somebody looks again"
