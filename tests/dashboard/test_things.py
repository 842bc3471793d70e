"""Seed sets, teachers, rows and exports as pages without scripts: what browsers send them."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.domain.lifecycle import RowState
from app.errors import InvalidInput
from app.runtime import Runtime
from app.use_cases import exports, methods, rows, seed_sets, teachers
from app.use_cases.seed_sets import SeedSetChanges
from tests.api.stored_job import KEY, stored_job, stored_seed_set, stored_teacher
from tests.dashboard.conftest import ORIGIN
from tests.dashboard.test_new_job import sent, told

SEEDS = "/dashboard/seed-sets"
GOOD = b'{"instruction": "Plant a tree."}\n'


def upload(browser: TestClient, content: bytes, **fields: str) -> Any:
    """The answer to the upload form; httpx puts the fields before the file, as browsers do."""
    files = {"file": ("garden.jsonl", content, "application/octet-stream")}
    return browser.post(SEEDS, data=fields, files=files, headers=ORIGIN)


def test_a_file_becomes_a_set_named_after_it(browser: TestClient, runtime: Runtime) -> None:
    answer = upload(browser, GOOD, language="en", licence="CC0-1.0", name="")
    added = seed_sets.page(runtime).items[0]
    assert answer.headers["location"] == f"{SEEDS}/{added.id}"
    assert (added.name, added.licence, added.source) == ("garden", "CC0-1.0", "uploaded")
    again = upload(browser, GOOD, name="other")
    assert "known=1" in again.headers["location"]
    assert "here already" in browser.get(again.headers["location"]).text


def test_bad_lines_are_named_with_what_stands_there(browser: TestClient, runtime: Runtime) -> None:
    lines = GOOD + b'{"instruction": 7}\n<script>alert(1)</script>\n'
    answer = upload(browser, lines, name="kept", language="de")
    assert answer.status_code == 422
    for words in ("Lines to mend", "2 of 3 lines", "&lt;script&gt;alert(1)", 'value="kept"'):
        assert words in answer.text, words
    assert seed_sets.page(runtime).items == []
    skipped = upload(browser, lines, name="kept", on_error="skip")
    assert "skipped=2" in skipped.headers["location"]
    assert seed_sets.page(runtime).items[0].row_count == 1


def test_lines_can_be_pasted_and_something_must_come(browser: TestClient, runtime: Runtime) -> None:
    files = {"file": ("", b"", "application/octet-stream")}
    data = {"name": "pasted", "lines": GOOD.decode()}
    browser.post(SEEDS, data=data, files=files, headers=ORIGIN)
    assert seed_sets.page(runtime).items[0].name == "pasted"
    nothing = browser.post(SEEDS, data={"name": "x"}, files=files, headers=ORIGIN)
    assert (nothing.status_code, told(nothing.text)) == (
        422,
        {("file", "choose a file, or paste its lines")},
    )
    for fields, name in (({"language": "!"}, "language"), ({"licence": "\x07"}, "licence")):
        assert {
            each for each, _ in told(upload(browser, b'{"instruction": "A."}', **fields).text)
        } == {name}


def test_what_is_said_about_a_set_can_be_changed(browser: TestClient, runtime: Runtime) -> None:
    seed_set_id = stored_seed_set(runtime)
    page = f"{SEEDS}/{seed_set_id}"
    fields = {"name": "orchard", "language": "de", "licence": "CC-BY-4.0", "source": "by hand"}
    assert sent(browser, page, fields).status_code == 303
    changed = seed_sets.get(runtime, seed_set_id)
    assert {name: getattr(changed, name) for name in fields} == fields
    assert changed.tokens == "rouge", "how its texts are compared stays"
    wrong = sent(browser, page, {**fields, "name": " ", "language": "?"})
    assert told(wrong.text) == {
        ("name", "must not be blank"),
        ("language", "must be a language tag such as en or zh-Hans"),
    }
    answer = browser.patch(f"/v1/seed-sets/{seed_set_id}", json={"licence": "MIT"})
    assert (answer.json()["licence"], answer.json()["name"]) == ("MIT", "orchard")
    with pytest.raises(InvalidInput):
        seed_sets.change(runtime, seed_set_id, SeedSetChanges(language="?"))


def test_what_is_in_use_cannot_be_deleted(browser: TestClient, runtime: Runtime) -> None:
    job = stored_job(runtime).job
    for page in (f"{SEEDS}/{job.seed_set_id}", f"/dashboard/teachers/{job.teacher_id}"):
        answer = browser.post(f"{page}/delete", headers=ORIGIN)
        assert answer.status_code == 409
        assert str(job.id) in answer.text


def test_a_key_is_never_shown(browser: TestClient, runtime: Runtime) -> None:
    wrong = sent(browser, "/dashboard/teachers/new", {"name": "", "api_key": KEY})
    assert wrong.status_code == 422
    teacher_id = stored_teacher(runtime)
    page = f"/dashboard/teachers/{teacher_id}"
    fields = {"name": "rose", "base_url": "http://127.0.0.1:9/v1", "model": "m", "api_key": KEY}
    assert sent(browser, f"{page}/change", fields).status_code == 303
    moved = {**fields, "base_url": "http://elsewhere.example/v1", "api_key": ""}
    guarded = sent(browser, f"{page}/change", moved)
    assert "Give api_key" in guarded.text
    shown = [browser.get(each).text for each in (page, f"{page}/change", "/dashboard/teachers")]
    for text in (wrong.text, guarded.text, *shown):
        assert KEY not in text
    assert sent(browser, f"{page}/change", {**fields, "api_key": "", "forget_key": "yes"})
    assert teachers.get(runtime, teacher_id).sealed_key is None


def test_a_teacher_is_told_as_rest_tells_it(browser: TestClient) -> None:
    fields: dict[str, Any] = {
        "name": "rose",
        "base_url": "ftp://x",
        "model": "",
        "max_concurrency": "0",
        "timeout_s": "soon",
        "extra_body": "[1]",
    }
    page = sent(browser, "/dashboard/teachers/new", fields)
    assert told(page.text) == {
        ("base_url", "must be an http or https URL with a host"),
        ("model", "must not be blank"),
        ("max_concurrency", "must be from 1 to 10,000"),
        ("timeout_s", "must be a number"),
        ("extra_body", "must be an object"),
    }


def test_a_teacher_that_does_not_answer_says_where_it_stopped(
    browser: TestClient, runtime: Runtime
) -> None:
    answer = browser.post(f"/dashboard/teachers/{stored_teacher(runtime)}/test", headers=ORIGIN)
    assert "at the stage tcp" in answer.text


def test_a_search_ends_after_so_many_rows_and_goes_on(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = stored_job(runtime, row_count=7).job
    monkeypatch.setattr(rows, "ROWS_READ", 3)
    found: list[str] = []
    pages, cursor = 0, None
    while pages == 0 or cursor:
        page = rows.search(runtime, job.id, text="NUMBER 5", cursor=cursor, limit=2)
        found += [each.instruction for each in page.items]
        cursor, pages = page.next, pages + 1
    assert (found, pages) == (["Describe tree number 5."], 3)
    dropped = rows.search(runtime, job.id, state=RowState.REJECTED, reason="empty_output")
    assert len(dropped.items) == 1
    assert not rows.search(runtime, job.id, state=RowState.REJECTED, reason="empty").items


def test_rest_searches_as_well(browser: TestClient, runtime: Runtime) -> None:
    job = stored_job(runtime).job
    found = browser.get(f"/v1/rows?job_id={job.id}&text=number%201").json()["items"]
    assert [each["instruction"] for each in found] == ["Describe tree number 1."]
    whole = browser.get(f"/v1/rows?job_id={job.id}&state=rejected&reason=empty_output").json()
    assert len(whole["items"]) == 1
    refused = browser.get(f"/v1/rows?job_id={job.id}&state=all&text=x")
    assert (refused.status_code, refused.json()["code"]) == (422, "conflicting_options")


def test_rows_of_the_newest_job_are_shown_unasked(browser: TestClient, runtime: Runtime) -> None:
    assert "No job yet" in browser.get("/dashboard/rows").text
    stored = stored_job(runtime)
    text = browser.get("/dashboard/rows?job=").text
    assert f"/dashboard/rows/{stored.row_ids[0]}" in text


def test_an_export_that_cannot_be_made_is_not_asked_for(
    browser: TestClient, runtime: Runtime
) -> None:
    answer = sent(browser, "/dashboard/exports", {"job_id": "", "format": "alpaca"})
    assert told(answer.text) == {("job_id", "is required")}
    job = stored_job(runtime).job
    fields = {"job_id": job.id, "format": "alpaca", "options/with_id": "perhaps"}
    assert ("options/with_id", "must be a boolean") in told(
        sent(browser, "/dashboard/exports", fields).text
    )
    assert exports.page(runtime).items == []


def test_the_form_of_an_export_offers_what_rest_does(browser: TestClient, runtime: Runtime) -> None:
    job = stored_job(runtime, row_count=6, target_rows=6).job
    page = browser.get(f"/dashboard/exports?job={job.id}").text
    for each in methods.packaging_fields():
        assert f'id="packaging/{each.name}"' in page, each.name
    fields = {
        "job_id": job.id,
        "format": "alpaca_jsonl",
        "packaging/container": "jsonl.gz",
        "packaging/test": "0.5",
        "packaging/split_by": "instruction",
        "packaging/held_out": "false",
    }
    shown = sent(browser, "/dashboard/exports", {**fields, "action": "preview"})
    assert shown.status_code == 200
    for words in ("6 rows of the job", "one .zip file", "## Licence chain", 'value="0.5"'):
        assert words in shown.text, words
    assert exports.page(runtime).items == [], "a preview stores nothing"
    answer = sent(browser, "/dashboard/exports", {**fields, "action": "make"})
    export = exports.page(runtime).items[0]
    assert answer.headers["location"] == f"/dashboard/exports/{export.id}"
    assert export.packaging["container"] == "jsonl.gz"
    assert (export.packaging["test"], export.packaging["held_out"]) == (0.5, False)
    exports.make(runtime, export.id)
    made = browser.get(f"/v1/exports/{export.id}").json()
    assert made["manifest"]["rows_by_split"] == {"train": 3, "test": 3}
    wrong = sent(browser, "/dashboard/exports", {**fields, "packaging/test": "2"})
    assert {name for name, _ in told(wrong.text)} == {"packaging/test"}
    body = {"job_id": str(job.id), "format": "alpaca_jsonl"}
    told_by_rest = browser.post("/v1/exports/preview", json=body).json()
    assert (told_by_rest["rows"], told_by_rest["suffix"]) == (6, ".jsonl")
    assert told_by_rest["card"].startswith("---\npretty_name")
