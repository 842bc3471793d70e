"""Pictures of the dashboard for the documentation, of a job that really ran.

They are written into docs/images where CULTIVAR_PICTURES is set; else only that they can be made
and are small is tested.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from app.domain.stored import Job
from app.embedded.migrate import ROOT
from app.use_cases import exports, jobs
from app.use_cases.first_steps import add_demo_teacher, add_sample_seeds
from app.use_cases.jobs import JobDetails
from app.use_cases.sampling import sample
from tests.browser.conftest import Site, served, watched_page
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import FINAL, running_driver, running_runtime

IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 120_000


@pytest.fixture(scope="module")
def grown(
    module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, Job]]:
    """A site on which a small job with the demo teacher has run to its end."""
    home = tmp_path_factory.mktemp("grown") / "home"
    with start_demo_teacher(latency_s=0.05, faults={"429": 0.03}) as teacher:
        settings = {"demo_teacher_url": teacher.base_url}
        with (
            running_runtime(module_database_url, home, **settings) as runtime,
            served(runtime) as site,
        ):
            yield site, _run(site)


def _run(site: Site) -> Job:
    runtime = site.runtime
    seed_set, demo = add_sample_seeds(runtime).seed_set, add_demo_teacher(runtime)
    details = JobDetails(seed_set.id, demo.id, 120, name="garden", cap_micro_usd=50_000)
    job = jobs.submit(runtime, details)
    with running_driver(runtime) as driver:
        while (found := driver.step(job.id)).state not in FINAL:
            sample(runtime)
    exports.make(runtime, exports.request(runtime, job.id, "alpaca").id)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures(grown: tuple[Site, Job], chromium: Browser, tmp_path: Path, scheme: str) -> None:
    site, job = grown
    assert jobs.progress(site.runtime, job.id).accepted_rows >= 120
    paths = {
        "job": f"/dashboard/jobs/{job.id}",
        "new-job": f"/dashboard/jobs/new?clone={job.id}",
        "rows": f"/dashboard/rows?job={job.id}&state=rejected",
        "jobs": "/dashboard/jobs",
    }
    folder = IMAGES if os.environ.get("CULTIVAR_PICTURES") else tmp_path
    size = {"width": 1120, "height": 780}
    with watched_page(chromium, color_scheme=scheme, viewport=size, home=site.url) as (page, told):
        for name, path in paths.items():
            page.goto(site.url + path)
            page.wait_for_load_state("networkidle")
            picture = folder / f"dashboard-{name}-{scheme}.png"
            page.screenshot(path=picture, animations="disabled")
            assert picture.stat().st_size <= MOST_BYTES, picture
        assert told == []


def test_the_documentation_shows_them() -> None:
    page = (ROOT / "docs" / "dashboard.md").read_text(encoding="utf-8")
    shown = {name for name in IMAGES.glob("dashboard-*.png") if f"images/{name.name}" in page}
    assert shown == set(IMAGES.glob("dashboard-*.png"))
    assert len(shown) == 8
