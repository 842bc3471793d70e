"""Evaluation sets as pages without scripts: from a file to a job that is held against them."""

from starlette.testclient import TestClient

from app.runtime import Runtime
from app.use_cases import evaluation_sets, jobs
from tests.api.stored_job import stored_seed_set, stored_teacher
from tests.dashboard.conftest import ORIGIN
from tests.dashboard.test_new_job import NEW, sent, told
from tests.dashboard.test_template_sets import upload

LIST = "/dashboard/evaluation-sets"
EXAM = b'{"instruction": "Name <b>rivers", "input": "of Rome", "output": "Tiber"}\n'


def test_from_a_file_to_a_job(browser: TestClient, runtime: Runtime) -> None:
    answer = upload(browser, LIST, "file", "exam.jsonl", EXAM * 2)
    made = evaluation_sets.page(runtime).items[0]
    assert (made.name, made.row_count, made.licence) == ("exam", 1, "unknown")
    assert answer.headers["location"] == f"{LIST}/{made.id}"
    assert "exam" in browser.get(LIST).text
    shown = browser.get(f"{LIST}/{made.id}").text
    assert all(words in shown for words in ("Name &lt;b&gt;rivers", "of Rome", "Tiber"))
    assert f"{NEW}?evaluation_set={made.id}" in shown
    ids = {"seed_set_id": stored_seed_set(runtime), "teacher_id": stored_teacher(runtime)}
    ticked = {"decontamination/evaluation_set_ids": str(made.id), "target_rows": "2"}
    assert sent(browser, NEW, {**ids, **ticked}).status_code == 303
    held = jobs.page(runtime).items[0].job.decontamination or {}
    assert held["evaluation_set_ids"] == [str(made.id)]
    assert browser.post(f"{LIST}/{made.id}/delete", headers=ORIGIN).status_code == 409
    other = upload(browser, LIST, "file", "b.jsonl", EXAM, name="other", licence="CC0-1.0")
    assert browser.post(f"{other.headers['location']}/delete", headers=ORIGIN).status_code == 303
    assert [each.name for each in evaluation_sets.page(runtime).items] == ["exam"]


def test_what_cannot_be_used_is_named(browser: TestClient, runtime: Runtime) -> None:
    answer = upload(browser, LIST, "file", "exam.jsonl", EXAM + b"[]\n", name="kept")
    assert (answer.status_code, 'value="kept"' in answer.text) == (422, True)
    assert "line 2: " in answer.text
    assert told(upload(browser, LIST, "other", "e.jsonl", EXAM).text) == {("file", "choose a file")}
    assert evaluation_sets.page(runtime).items == []
    assert browser.post(LIST, headers={"Origin": "http://elsewhere"}).status_code == 403
