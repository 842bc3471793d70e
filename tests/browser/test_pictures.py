"""Pictures of the dashboard for the documentation, of a job that really ran.

They are written into docs/images where CULTIVAR_PICTURES is set; else only that they can be made
and are small is tested.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from app.db import samples
from app.domain.stored import Job
from app.embedded.migrate import ROOT
from app.runtime import Runtime
from app.use_cases import exports, jobs, reviews
from app.use_cases.first_steps import add_demo_teacher, add_sample_seeds
from app.use_cases.jobs import JobDetails
from app.use_cases.reviews import ReviewDetails
from app.use_cases.verdicts import Given
from tests.browser.conftest import Site, served, watched_page
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import running_driver, running_runtime

IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 150_000


@pytest.fixture(scope="module")
def grown(
    module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, Job]]:
    """A site on which a small job with the demo teacher has run to its end."""
    home = tmp_path_factory.mktemp("grown") / "home"
    with start_demo_teacher(latency_s=0.6, faults={"429": 0.03}) as teacher:
        demo = {"demo_teacher_url": teacher.base_url}
        with running_runtime(module_database_url, home, **demo) as found, served(found) as site:
            yield site, _run(site)


def _run(site: Site) -> Job:
    runtime = site.runtime
    seed_set, demo = add_sample_seeds(runtime).seed_set, add_demo_teacher(runtime)
    details = JobDetails(seed_set.id, demo.id, 120, name="garden", cap_micro_usd=50_000)
    job = jobs.submit(runtime, details)
    with running_driver(runtime) as driver, _sampled(runtime):
        found = driver.finish(job.id)
    exports.make(runtime, exports.request(runtime, job.id, "alpaca").id)
    _judge(runtime, job)
    return found


def _judge(runtime: Runtime, job: Job) -> None:
    """A review that is half done."""
    review_id = reviews.start(runtime, ReviewDetails(job.id, 40, reviewer="Ann")).review.id
    for at in range(20):
        row = reviews.row_at(runtime, review_id, at).row
        given = Given("drop", ["wrong_output"]) if at % 9 == 4 else Given("keep", [])
        reviews.decide(runtime, review_id, row.id, given)


@contextmanager
def _sampled(runtime: Runtime) -> Iterator[None]:
    """Samples more often than workers take them, as the job is a short one."""
    ended = threading.Event()

    def take() -> None:
        while not ended.wait(0.3):
            with runtime.database.transaction() as connection:
                samples.take(connection, least_s=0.2)

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures(grown: tuple[Site, Job], chromium: Browser, tmp_path: Path, scheme: str) -> None:
    site, job = grown
    assert jobs.progress(site.runtime, job.id).accepted_rows >= 120
    review_id = reviews.page(site.runtime).items[0].review.id
    paths = {
        "job": f"/dashboard/jobs/{job.id}",
        "new-job": f"/dashboard/jobs/new?clone={job.id}",
        "export": f"/dashboard/exports/{exports.page(site.runtime).items[0].id}",
        "jobs": "/dashboard/jobs",
        "filters": f"/dashboard/jobs/new?clone={job.id}#filters/control_characters",
        "report": f"/dashboard/jobs/{job.id}/report",
        "review": f"/dashboard/reviews/{review_id}/rows/21",
    }
    folder = IMAGES if os.environ.get("CULTIVAR_PICTURES") else tmp_path
    size = {"width": 1040, "height": 720}
    with watched_page(chromium, color_scheme=scheme, viewport=size, home=site.url) as (page, told):
        for name, path in paths.items():
            page.goto(site.url + path, timeout=120_000)  # the first report reads its model
            page.wait_for_load_state("networkidle")
            picture = folder / f"dashboard-{name}-{scheme}.png"
            page.screenshot(path=picture, animations="disabled")
            assert picture.stat().st_size <= MOST_BYTES, picture
        assert told == []


def test_the_documentation_shows_them() -> None:
    page = (ROOT / "docs" / "dashboard.md").read_text(encoding="utf-8")
    shown = {name for name in IMAGES.glob("dashboard-*.png") if f"images/{name.name}" in page}
    assert shown == set(IMAGES.glob("dashboard-*.png"))
    assert len(shown) == 14
