"""Reviews as pages without scripts: draw, judge by buttons, send a sheet back, see the estimate."""

import re

from starlette.testclient import TestClient

from app.runtime import Runtime
from app.use_cases import reviews, rows
from tests.api.stored_job import StoredJob, stored_job
from tests.dashboard.conftest import ORIGIN
from tests.dashboard.test_new_job import sent, told

LIST = "/dashboard/reviews"


def begun(browser: TestClient, stored: StoredJob) -> str:
    """The page of the first row of a new review."""
    fields = {"job_id": stored.job.id, "rows": "5", "reviewer": "Ann <b>", "random_seed": "3"}
    answer = sent(browser, LIST, fields)
    assert answer.status_code == 303, answer.text
    place: str = browser.get(answer.headers["location"]).headers["location"]
    assert place.endswith("/rows/1")
    return place


def judge(browser: TestClient, page: str, fields: dict[str, object]) -> str:
    """Where a verdict leads."""
    answer = sent(browser, page, fields)
    assert answer.status_code == 303, answer.text
    return browser.get(answer.headers["location"]).headers["location"]


def test_rows_are_judged_one_after_the_other(browser: TestClient, runtime: Runtime) -> None:
    stored = stored_job(runtime, row_count=4, target_rows=3)
    first = begun(browser, stored)
    review = first.partition("/rows/")[0]
    second = judge(browser, first, {"verdict": "keep", "reasons": "unsafe"})
    assert second == f"{review}/rows/2"
    page = browser.get(second).text
    instruction = re.search(r'<textarea id="instruction"[^>]*>\n(.*?)</textarea>', page, re.S)
    assert instruction
    texts = {"instruction": instruction[1], "input": "", "output": "It is an\r\noak."}
    edited = {"verdict": "edit", "reasons": "wrong_output", "note": "A & B", **texts}
    assert judge(browser, second, edited) == f"{review}/rows/3"
    assert judge(browser, f"{review}/rows/3", {"verdict": "drop", "reasons": "unsafe"}) == review
    text = browser.get(review).text
    for words in ("33.3 %", "1 kept, 1 edited, 1 dropped", "A &amp; B", "wrong output"):
        assert words in text, words
    assert "Judge rows" not in text
    row_id = reviews.page(runtime).items[0].review.id
    outputs = [each.row.output for each in reviews.page_rows(runtime, row_id).items]
    assert outputs[1] == "It is an\noak."
    assert "33.3 %" in browser.get(LIST).text
    history = browser.get(f"/dashboard/rows/{row_of(runtime, row_id, 1)}").text
    for words in ("Ann &lt;b&gt;", "A &amp; B", "It is an\noak.", "It is tree"):
        assert words in history, words


def row_of(runtime: Runtime, review_id: object, at: int) -> object:
    return reviews.page_rows(runtime, review_id).items[at].row.id  # type: ignore[arg-type]


def test_what_is_missing_is_said_beside_what_was_typed(
    browser: TestClient, runtime: Runtime
) -> None:
    first = begun(browser, stored_job(runtime))
    for fields, name in (
        ({"verdict": "drop", "note": "why"}, "reasons"),
        ({"verdict": "edit", "reasons": "other", "output": "x", "instruction": "y"}, "note"),
        ({"verdict": "edit", "reasons": "unsafe", "output": " ", "instruction": "y"}, "output"),
    ):
        answer = sent(browser, first, fields)
        assert answer.status_code == 422
        assert name in {each for each, _ in told(answer.text)}, answer.text
    assert 'value="unsafe" data-key="7" checked' in answer.text
    wrong = sent(browser, LIST, {"job_id": "", "rows": "0"})
    assert told(wrong.text) == {("job_id", "is required")}
    for address in (f"{LIST}/{runtime_id()}", f"{first.rpartition('/')[0]}/99"):
        assert browser.get(address).status_code == 404


def runtime_id() -> str:
    return "019a0000-0000-7000-8000-000000000000"


def test_a_sheet_is_taken_or_its_lines_are_named(browser: TestClient, runtime: Runtime) -> None:
    review = begun(browser, stored_job(runtime)).partition("/rows/")[0]
    review_id = review.rpartition("/")[2]
    sheet = browser.get(f"/v1/reviews/{review_id}/sheet").text
    bad = re.sub(r'(?m)^("\d","[^"]+"),""', r'\1,"drop"', sheet)

    def send(text: str, name: str = "sheet.csv"):
        files = {"sheet": (name, text.encode(), "text/csv")}
        return browser.post(f"{review}/sheet", files=files, headers=ORIGIN)

    refused = send(bad)
    assert (refused.status_code, "line 2: say why it is dropped" in refused.text) == (422, True)
    assert send(bad, "sheet.xls").status_code == 422
    assert send(bad.replace('"drop"', '"keep"')).headers["location"] == review
    assert "2</strong> of 2 rows judged" in browser.get(review).text
    browser.post(f"{review}/delete", headers=ORIGIN)
    assert reviews.page(runtime).items == []


def test_jobs_and_rows_lead_to_reviews(browser: TestClient, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    link = f'href="{LIST}?job={stored.job.id}"'
    assert link in browser.get(f"/dashboard/jobs/{stored.job.id}").text
    assert link in browser.get(f"/dashboard/rows?job={stored.job.id}").text
    assert f'value="{stored.job.id}" selected' in browser.get(f"{LIST}?job={stored.job.id}").text
    assert rows.get(runtime, stored.row_ids[0]).verdict is None
