"""Many tabs cost one look an interval, and nobody but our own pages changes anything."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from app.dashboard.pages import PAGES
from app.dashboard.pages.job import JobLook
from app.runtime import Runtime
from tests.api.stored_job import stored_job

NOBODY = "019a0000-0000-7000-8000-000000000000"


def test_many_tabs_cost_one_look(browser: TestClient, runtime: Runtime) -> None:
    job = stored_job(runtime).job
    looks: list[Any] = []
    app: Any = browser.app
    board = app.state.look_board
    look_at = board._compute

    def counted(look: Any) -> bytes:
        looks.append(look)
        return look_at(look)

    board._compute = counted
    path = f"/dashboard/jobs/{job.id}/fragment"
    with ThreadPoolExecutor(8) as tabs:
        answers = list(tabs.map(lambda _: browser.get(path), range(40)))
    assert {each.status_code for each in answers} == {200}
    assert looks == [JobLook(job.id)], "all forty within two seconds"


def test_every_change_asks_who_sent_it(browser: TestClient) -> None:
    changes = [
        route.path
        for page in PAGES
        for route in page.router.routes
        if isinstance(route, APIRoute) and "POST" in (route.methods or ())
    ]
    assert len(changes) > 15
    for path in changes:
        address = path
        for name in ("job_id", "teacher_id", "seed_set_id", "export_id"):
            address = address.replace("{" + name + "}", NOBODY)
        for headers in (
            {},
            {"Origin": "http://elsewhere.example"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            assert browser.post(address, headers=headers).status_code == 403, path


def test_the_check_covers_what_it_says(browser: TestClient) -> None:
    answer = browser.post(f"/dashboard/jobs/{NOBODY}/pause", headers={"Origin": "http://localhost"})
    assert answer.status_code == 404, "from our own page it is judged"
