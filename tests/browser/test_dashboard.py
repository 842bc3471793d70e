"""The dashboard in a real Chromium: it follows a job by itself, and runs no script but its own."""

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.db import counts
from app.db.counts import Tally
from app.domain.lifecycle import JobState
from app.domain.stored import Job
from app.main import build_app
from app.runtime import Runtime
from app.use_cases import jobs
from app.use_cases.jobs import JobChanges
from tests.api.stored_job import stored_job, submitted_job
from tests.driving import running_runtime

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAYLOAD = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no Chromium at {CHROMIUM}"),
]


@dataclass
class Site:
    """The application on a real port, which can be stopped and started again."""

    runtime: Runtime
    port: int
    server: uvicorn.Server | None = None
    thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = uvicorn.Config(
            build_app(self.runtime), port=self.port, log_level="critical", ws="none"
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
            time.sleep(0.01)

    def stop(self) -> None:
        if self.server is not None and self.thread is not None:
            self.server.should_exit = self.server.force_exit = True
            self.thread.join()
            self.server = None


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    with running_runtime(database_url, tmp_path / "home") as runtime:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        site = Site(runtime, port)
        site.start()
        yield site
        site.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def watched_page(chromium: Browser, *, scripts: bool = True) -> Iterator[tuple[Page, list[str]]]:
    """A page, and whatever it complains of: errors, and what the policy refused."""
    context = chromium.new_context(java_script_enabled=scripts)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page, complaints
    context.close()


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
        page.wait_for_timeout(5500)
    assert statuses == [200, 304]


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


def test_a_job_is_steered_without_scripts(site: Site, chromium: Browser) -> None:
    job = stored_job(site.runtime).job
    with watched_page(chromium, scripts=False) as (page, complaints):
        page.goto(f"{site.url}/dashboard/jobs/{job.id}")
        page.get_by_role("button", name="Pause").click()
        expect(page.locator(".state")).to_have_text("paused")
        page.get_by_role("link", name="Cancel").click()
        page.get_by_role("button", name="Cancel the job").click()
        expect(page.locator(".state")).to_have_text("cancelling")
        assert complaints == []
    assert jobs.get(site.runtime, job.id).state is JobState.CANCELLING


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 360])
def test_nothing_is_wider_than_the_screen(
    site: Site, chromium: Browser, scheme: str, width: int
) -> None:
    job = stored_job(site.runtime).job
    jobs.change(site.runtime, job.id, JobChanges(name="w" * 200))
    context = chromium.new_context(
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 800},
    )
    page = context.new_page()
    for path in ("/dashboard/jobs", f"/dashboard/jobs/{job.id}"):
        page.goto(site.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
