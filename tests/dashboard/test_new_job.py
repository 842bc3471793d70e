"""The form of a new job: made from each method's options, with the words of the REST face."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from app.dashboard.forms import Form
from app.dashboard.job_form import form_of_job, read_job
from app.dashboard.option_fields import PREFIX
from app.db import jobs as job_queries
from app.domain.lifecycle import JobState
from app.runtime import Runtime
from app.use_cases import jobs, methods
from app.use_cases.jobs import JobDetails
from tests.api.stored_job import stored_job, stored_seed_set, stored_teacher
from tests.dashboard.conftest import ORIGIN

NEW = "/dashboard/jobs/new"


def sent(browser: TestClient, path: str, fields: dict[str, Any]) -> Any:
    """The answer to a form."""
    body = urlencode(fields, doseq=True)
    headers = {**ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}
    return browser.post(path, content=body, headers=headers)


def told(text: str) -> set[tuple[str, str]]:
    """What a page says is wrong, by field."""
    found = re.findall(r'<p class="error" id="(.+?)-error(?:-\d+)?">(.+?)</p>', text)
    return {(unescape(name), unescape(words)) for name, words in found}


@pytest.mark.parametrize("name", [each.name for each in methods.all_methods()])
def test_every_option_of_a_method_is_asked_for(
    browser: TestClient, runtime: Runtime, name: str
) -> None:
    text = sent(browser, NEW, {"method": name, "action": "method"}).text
    for option in methods.get(name).options:
        assert f'id="{PREFIX}{option.name}"' in text, option.name
    assert jobs.page(runtime).items == []


def test_a_submitted_form_is_the_job_that_rest_makes(browser: TestClient, runtime: Runtime) -> None:
    ids = {"seed_set_id": stored_seed_set(runtime), "teacher_id": stored_teacher(runtime)}
    fields = {
        **ids,
        "target_rows": "12",
        "method": "self_instruct",
        "profile": "paper",
        "cap_micro_usd": "0.25",
        "random_seed": "7",
        "reuse": "prefer",
        "delivery": "calls",
        "tokens": "",
        "options/new_instructions": "3",
        "options/propose_top_p": "null",
        "options/blacklist": "image\r\nline\\nend",
        "options/guide_chat": "false",
    }
    answer = sent(browser, NEW, fields)
    assert answer.status_code == 303, told(answer.text)
    made = jobs.page(runtime).items[0].job
    assert answer.headers["location"] == f"/dashboard/jobs/{made.id}"
    body = {
        **{name: str(value) for name, value in ids.items()},
        "target_rows": 12,
        "method": "self_instruct",
        "profile": "paper",
        "cap_micro_usd": 250_000,
        "random_seed": 7,
        "reuse": "prefer",
        "options": {
            "new_instructions": 3,
            "propose_top_p": None,
            "blacklist": ["image", "line\nend"],
            "guide_chat": False,
        },
    }
    twin = jobs.get(runtime, browser.post("/v1/jobs", json=body).json()["id"])
    for name in ("options", "target_rows", "profile", "cap_micro_usd", "random_seed", "reuse"):
        assert getattr(made, name) == getattr(twin, name), name


def test_what_is_wrong_is_said_beside_its_field_as_rest_says_it(
    browser: TestClient, runtime: Runtime
) -> None:
    ids = {"seed_set_id": stored_seed_set(runtime), "teacher_id": stored_teacher(runtime)}
    wrong: dict[str, Any] = {
        "target_rows": "many",
        "cap_calls": "0",
        "options/new_instructions": "0",
        "options/threshold": "7",
        "options/order": "sideways",
        "options/classify_max_tokens": "some",
        "options/semantic_threshold": "0.9",
    }
    page = sent(browser, NEW, {**ids, **wrong, "delivery": "pigeon", "reuse": "always"})
    assert page.status_code == 422
    options: dict[str, Any] = {
        "new_instructions": 0,
        "threshold": 7.0,
        "order": "sideways",
        "classify_max_tokens": "some",
        "semantic_threshold": 0.9,
    }
    body = {
        **{name: str(value) for name, value in ids.items()},
        "target_rows": "many",
        "cap_calls": 0,
        "delivery": "pigeon",
        "reuse": "always",
        "options": options,
    }
    errors = browser.post("/v1/jobs", json=body).json()["errors"]
    assert told(page.text) == {
        (each["pointer"].lstrip("/"), each["detail"].replace("at least 1", "from 1 to 100,000,000"))
        for each in errors
    }
    assert jobs.page(runtime).items == []


def test_a_language_that_nothing_tells_is_said_beside_its_field(
    browser: TestClient, runtime: Runtime
) -> None:
    ids = {"seed_set_id": stored_seed_set(runtime), "teacher_id": stored_teacher(runtime)}
    page = sent(browser, NEW, {**ids, "options/row_language": "German"})
    assert page.status_code == 422
    fields = dict(told(page.text))
    assert "a tag such as de" in fields["options/row_language"]
    assert jobs.page(runtime).items == []


def test_nothing_typed_is_lost(browser: TestClient) -> None:
    fields = {"target_rows": "x", "name": 'a "quoted" <b>', "options/blacklist": "\r\nfirst\r\n<b>"}
    text = sent(browser, NEW, fields).text
    assert 'value="a &#34;quoted&#34; &lt;b&gt;"' in text
    assert "\n\nfirst\n&lt;b&gt;</textarea>" in text, "a first line end is not eaten"


def test_the_estimate_is_that_of_rest_and_stores_nothing(
    browser: TestClient, runtime: Runtime
) -> None:
    ids = {"seed_set_id": stored_seed_set(runtime), "teacher_id": stored_teacher(runtime)}
    fields = {**ids, "target_rows": "40"}
    text = sent(browser, f"{NEW}/estimate", fields).text
    whole = sent(browser, NEW, {**fields, "action": "estimate"}).text
    body = {**{name: str(value) for name, value in ids.items()}, "target_rows": 40}
    same = browser.post("/v1/estimates", json=body).json()
    for words in (str(same["calls"]["expected"]), same["first_prompt"]["text"]):
        assert words in unescape(text)
        assert words in unescape(whole)
    assert "<html" not in text
    assert jobs.page(runtime).items == []


def test_a_clone_is_the_same_job(runtime: Runtime) -> None:
    options = {"new_instructions": 3, "blacklist": ["a\nb", ""], "propose_top_p": None}
    details = JobDetails(
        stored_seed_set(runtime),
        stored_teacher(runtime),
        9,
        profile="paper",
        options={**options, "guide_chat": False, "reading": "published"},
        filters={"refusal": False, "link": "flag"},
        cap_micro_usd=1_234_567,
        cap_calls=77,
        random_seed=3,
    )
    job = jobs.submit(runtime, details)
    again, problems = read_job(form_of_job(job))
    assert problems == []
    twin = jobs.submit(runtime, again)
    same = ("options", "profile", "cap_micro_usd", "cap_calls", "random_seed", "target_rows")
    for name in (*same, "filters", "prompts", "decontamination"):
        assert getattr(twin, name) == getattr(job, name), name


def test_a_form_that_is_none_is_refused(browser: TestClient) -> None:
    for body in (b"\xff\xfe=1", b"a=%ff", b"&".join(b"a%d=1" % at for at in range(1100))):
        answer = browser.post(NEW, content=body, headers=ORIGIN)
        assert (answer.status_code, "cannot be read" in answer.text) == (400, True), body[:20]
    large = b"a=" + b"1" * (2 * 1024 * 1024)
    assert browser.post(NEW, content=large, headers=ORIGIN).status_code == 413


def test_fields_keep_their_last_value() -> None:
    form = Form({"a": ["1", " 2 "]})
    assert (form.text("a"), form.raw("a"), form.text("b", "x")) == ("2", " 2 ", "x")


def test_jobs_are_mixed_as_rest_mixes_them(browser: TestClient, runtime: Runtime) -> None:
    source = stored_job(runtime).job
    with runtime.database.transaction() as connection:
        job_queries.move(connection, source.id, JobState.RUNNING)
        job_queries.move(connection, source.id, JobState.SUCCEEDED)
    asked = sent(browser, NEW, {"method": "mix", "action": "method"}).text
    assert f'name="sources" value="{source.id}"' in asked
    assert 'id="teacher_id"' not in asked, "it makes no calls"
    ticked = {"method": "mix", "sources": source.id, f"sources/cap/{source.id}": "2"}
    assert sent(browser, NEW, ticked).status_code == 303
    made = jobs.page(runtime).items[0].job
    assert [(each.job_id, each.cap) for each in jobs.sources(runtime, made.id)] == [(source.id, 2)]
    assert (made.method, made.target_rows) == ("mix", 2)
    again, problems = read_job(form_of_job(made, jobs.sources(runtime, made.id)))
    assert problems == []
    assert list(again.sources) == list(jobs.sources(runtime, made.id))
    for wrong in ({"method": "mix"}, {"method": "template"}):
        page = sent(browser, NEW, wrong)
        errors = browser.post("/v1/jobs", json=wrong).json()["errors"]
        assert told(page.text) == {(each["pointer"].lstrip("/"), each["detail"]) for each in errors}
    odd = sent(browser, NEW, {**ticked, f"sources/weight/{source.id}": "much"})
    assert (f"sources/weight/{source.id}", "must be a number") in told(odd.text)
