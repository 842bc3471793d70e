"""Every method through every face: the form of a new job as a page shows it, REST, commands.

The three must make the same job; the one that the form made is run until its rows are on a page.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.domain.methods import METHODS
from app.main import build_app
from app.runtime import Runtime
from app.use_cases import jobs, labelled_sets, seed_sets, template_sets
from app.use_cases.jobs import JobDetails
from tests import invariants
from tests.cli.running import CommandLine
from tests.dashboard.conftest import ORIGIN
from tests.dashboard.test_template_sets import upload
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.domain.template_text import FILE
from tests.driving import SEEDS, add_seeds, add_teacher, running_driver, running_runtime
from tests.entry import WITH_TOKEN

NEW = "/dashboard/jobs/new"
WORDS = ("rain", "tea", "moss", "iron", "salt")
Prepare = Callable[["Desk"], Mapping[str, str]]


@dataclass(frozen=True)
class Desk:
    """What a user has at hand before the form is opened."""

    runtime: Runtime
    browser: TestClient
    cultivar: CommandLine
    url: str

    def taught(self, seed_set_id: object, **teacher: Any) -> Mapping[str, str]:
        """A seed set and a teacher."""
        record = add_teacher(self.runtime, self.url, **teacher)
        return {"seed_set_id": str(seed_set_id), "teacher_id": str(record.id)}

    def seeds(self, lines: Sequence[Mapping[str, Any]]) -> object:
        """A set of these seeds."""
        content = "".join(json.dumps(each) + "\n" for each in lines).encode()
        return seed_sets.add(self.runtime, seed_sets.SeedSetDetails("own"), [content]).seed_set.id

    def weather(self) -> Mapping[str, str]:
        """Labelled rows and the templates for them."""
        rows = "".join(
            json.dumps({"report": f"{word} all day", "label": n % 2}) + "\n"
            for n, word in enumerate(WORDS)
        )
        labelled = labelled_sets.LabelledSetDetails("weather")
        described = template_sets.TemplateSetDetails()
        return {
            "labelled_set_id": str(
                labelled_sets.add(self.runtime, labelled, [rows.encode()]).labelled_set.id
            ),
            "template_set_id": str(
                template_sets.add(self.runtime, described, [FILE.encode()]).template_set.id
            ),
        }

    def finished_job(self) -> str:
        """A job that can be mixed."""
        given: dict[str, Any] = {name: UUID(value) for name, value in self.weather().items()}
        made = jobs.submit(self.runtime, JobDetails(method="template", **given))
        self.finish(made.id)
        return str(made.id)

    def finish(self, job_id: UUID) -> None:
        """Drive a job to its end; workers want a standard error that is a file."""
        with self.cultivar.capture.disabled(), running_driver(self.runtime) as driver:
            ended = driver.finish(job_id)
        assert ended.state == "succeeded", ended
        invariants.check(self.runtime)


def _general(desk: Desk) -> Mapping[str, str]:
    return {**desk.taught(add_seeds(desk.runtime, SEEDS)), "target_rows": "8"}


def _questions(desk: Desk) -> Mapping[str, str]:
    asked = [{"instruction": f"What is {word} good for?"} for word in WORDS]
    return {**desk.taught(desk.seeds(asked)), "target_rows": "4"}


def _magpie(desk: Desk) -> Mapping[str, str]:
    seeds = desk.seeds([{"instruction": "What is tea?"}])
    return {**desk.taught(seeds, endpoint="completions"), "target_rows": "4"}


def _images(desk: Desk) -> Mapping[str, str]:
    seen = [{"image": f"{word}.jpg", "captions": [f"A jar of {word}."]} for word in WORDS]
    return {**desk.taught(desk.seeds(seen)), "target_rows": "6"}


def _documents(desk: Desk) -> Mapping[str, str]:
    text = b"# Tea\n\nGreen tea wants 80 degrees. Black tea wants 95 degrees and four minutes.\n"
    answer = upload(desk.browser, "/dashboard/documents", "document", "tea.md", text)
    made = answer.headers["location"].rpartition("/")[2]
    return {**desk.taught(made), "target_rows": "2"}


def _mix(desk: Desk) -> Mapping[str, str]:
    source = desk.finished_job()
    return {"sources": source, f"sources/weight/{source}": "1"}


def _judge(desk: Desk) -> Mapping[str, str]:
    record = add_teacher(desk.runtime, desk.url)
    return {**_mix(desk), "teacher_id": str(record.id)}


PREPARE: Mapping[str, Prepare] = {
    "self_instruct": _general,
    "alpaca": _general,
    "instruction_wild": _questions,
    "answer": _questions,
    "evol_instruct": _general,
    "self_chat": _questions,
    "magpie": _magpie,
    "multimodal_text": _images,
    "grounded": _documents,
    "template": Desk.weather,
    "mix": _mix,
    "judge": _judge,
}


@pytest.fixture(scope="module")
def teacher() -> Iterator[RunningTeacher]:
    with start_demo_teacher(latency_s=0.0, seed=7) as running:
        yield running


@pytest.fixture
def desk(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
    teacher: RunningTeacher,
) -> Iterator[Desk]:
    """A service that a browser, a client and the command line find."""
    home = tmp_path / "home"
    monkeypatch.setenv("CULTIVAR_DATABASE_URL", database_url)
    monkeypatch.setenv("CULTIVAR_HOME", str(home))
    monkeypatch.delenv("CULTIVAR_REDIS_URL", raising=False)
    with running_runtime(database_url, home) as runtime:
        app = build_app(runtime)
        with TestClient(
            app, base_url="http://localhost", follow_redirects=False, headers=WITH_TOKEN
        ) as browser:
            yield Desk(runtime, browser, CommandLine(capsysbinary), teacher.base_url)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_method_makes_rows_whichever_way_it_is_asked(desk: Desk, method: str) -> None:
    chosen = PREPARE[method](desk)
    page = _sent(desk.browser, {"method": method, "action": "method"}).text
    assert [name for name in chosen if f'name="{name}"' not in page] == []
    answer = _sent(desk.browser, {**_as_shown(page), "method": method, **chosen})
    assert answer.status_code == 303, unescape(answer.text)
    by_form = jobs.get(desk.runtime, answer.headers["location"].rpartition("/")[2])

    by_rest = desk.browser.post("/v1/jobs", json={"method": method, **_as_body(chosen)})
    assert by_rest.status_code == 201, by_rest.text
    words = ["jobs", "submit", "--method", method, *_as_flags(chosen), "--json"]
    by_command = desk.cultivar(*words).json()
    assert _told(desk, by_rest.json()["id"]) == _told(desk, by_command["id"])
    assert _told(desk, by_form.id) == _told(desk, by_command["id"])

    assert by_form.method == method
    desk.finish(by_form.id)
    rows = desk.browser.get(f"/dashboard/rows?job={by_form.id}").text
    assert '<p class="instruction"><a href="/dashboard/rows/' in rows


def _told(desk: Desk, job_id: Any) -> Mapping[str, Any]:
    """A job but for what is its own."""
    known = asdict(jobs.get(desk.runtime, job_id))
    own = {"id", "name", "pool_id", "created_at", "state", "started_at", "updated_at"}
    return {name: value for name, value in known.items() if name not in own}


def _as_body(chosen: Mapping[str, str]) -> Mapping[str, Any]:
    body: dict[str, Any] = {k: v for k, v in chosen.items() if not k.startswith("sources")}
    if "target_rows" in body:
        body["target_rows"] = int(body["target_rows"])
    if source := chosen.get("sources"):
        body["sources"] = [{"job_id": source, "weight": 1}]
    return body


def _as_flags(chosen: Mapping[str, str]) -> Sequence[str]:
    flags: list[str] = []
    for name, value in chosen.items():
        if name == "sources":
            flags += ["--source", f"{value}=1"]
        elif not name.startswith("sources/"):
            flag = {"target_rows": "rows"}.get(name, name.removesuffix("_id").replace("_", "-"))
            flags += [f"--{flag}", value]
    return flags


class _Fields(HTMLParser):
    """The fields that a browser sends for a form that nobody has touched."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self._select = self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        name, value = told.get("name") or "", told.get("value") or ""
        if tag == "input" and name and (told.get("type") != "checkbox" or "checked" in told):
            self.found.setdefault(name, []).append(value)
        elif tag == "select":
            self._select = name
        elif tag == "option" and (self._select not in self.found or "selected" in told):
            self.found[self._select] = [value]
        elif tag == "textarea":
            self._area = name
            self.found[name] = [""]

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.found[self._area][0] += data


def _as_shown(page: str) -> Mapping[str, Sequence[str]]:
    fields = _Fields()
    fields.feed(page[page.index('<form class="with-side" id="new-job"') :])
    return fields.found


def _sent(browser: TestClient, fields: Mapping[str, Any]) -> Any:
    headers = {**ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}
    return browser.post(NEW, content=urlencode(fields, doseq=True), headers=headers)
