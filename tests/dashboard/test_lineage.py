"""Rows and reports as pages: lineage as a tree, rows by language, the report to print."""

import re

import anyio
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from app.dashboard.rendering import streamed
from app.db.tables import rows
from app.runtime import Runtime
from app.use_cases import exports, reviews
from app.use_cases import rows as row_cases
from app.use_cases.reviews import ReviewDetails
from app.use_cases.verdicts import Given
from tests.api.stored_job import StoredJob, stored_job


@pytest.fixture
def stored(runtime: Runtime) -> StoredJob:
    return stored_job(runtime, row_count=5, target_rows=5)


def told(text: str, start: str) -> str:
    """The words of a part of a page, from the element with this id to the end of its section."""
    part = text.partition(f'id="{start}"')[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", part).split())


def test_a_row_is_walked_back_and_forth(
    browser: TestClient, runtime: Runtime, stored: StoredJob
) -> None:
    row_id = stored.row_ids[0]
    review = reviews.start(runtime, ReviewDetails(stored.job.id, reviewer="Ann")).review.id
    given = Given("edit", ["wrong_output"], output="It is an oak.")
    reviews.decide(runtime, review, row_id, given)
    export = exports.request(runtime, stored.job.id, "alpaca")
    exports.make(runtime, export.id)
    page = browser.get(f"/dashboard/rows/{row_id}").text
    tree = told(page, "lineage")
    for words in (
        "row accepted, edited by people",
        "proposed and answered by gardener-1, 7 and 3 tokens",
        "seed deleted since",
        "filters passed",
        "edited by Ann: wrong output",
        "export alpaca",
    ):
        assert words in tree, (words, tree)
    assert f'href="/dashboard/exports/{export.id}"' in page
    assert "It is tree 0." in told(page, "decisions")
    dropped = browser.get(f"/dashboard/rows/{stored.rejected_row_id}").text
    assert "filters dropped for empty output" in told(dropped, "lineage")
    assert "export alpaca" not in dropped


def test_rows_are_found_by_their_language(
    browser: TestClient, runtime: Runtime, stored: StoredJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    chinese = {"instruction": "写一首关于春天的诗。", "output": "春风又绿江南岸。"}
    with runtime.database.transaction() as connection:
        for row_id in (stored.row_ids[1], stored.row_ids[4]):
            connection.execute(sa.update(rows).where(rows.c.id == row_id).values(**chinese))
    base = f"/v1/rows?job_id={stored.job.id}"
    found = browser.get(f"{base}&language=zh&limit=1").json()
    assert [each["id"] for each in found["items"]] == [str(stored.row_ids[1])]
    rest = browser.get(f"{base}&language=zh&cursor={found['next']}").json()
    assert [each["id"] for each in rest["items"]] == [str(stored.row_ids[4])]
    assert rest["next"] is None
    both = browser.get(f"{base}&language=en&text=number%202").json()["items"]
    assert [each["id"] for each in both] == [str(stored.row_ids[2])]
    page = browser.get(f"/dashboard/rows?job={stored.job.id}&language=ZH").text
    assert page.count('<p class="instruction">') == 2
    assert "looks at 1\u202f000 of them" in page
    assert browser.get(f"{base}&language=zh&state=all").status_code == 422
    monkeypatch.setattr(row_cases, "ROWS_HEARD", 2)
    short = row_cases.search(runtime, stored.job.id, language="zh")
    assert len(short.items) == 1
    assert short.next is not None


def test_the_report_is_a_page(browser: TestClient, runtime: Runtime, stored: StoredJob) -> None:
    job = f"/dashboard/jobs/{stored.job.id}"
    assert f'href="{job}/report"' in browser.get(job).text
    review = reviews.start(runtime, ReviewDetails(stored.job.id, rows=4)).review.id
    row = reviews.row_at(runtime, review, 0).row
    reviews.decide(runtime, review, row.id, Given("keep"))
    page = browser.get(f"{job}/report").text
    for words in ("From calls to rows", "Topics", "5 rows", "1 judged in", "100.0 %"):
        assert words in page, words
    assert page.count("<svg") >= 5
    assert "style=" not in page
    shown = browser.get(f"/v1/jobs/{stored.job.id}/report").json()
    assert (shown["rows"], shown["missing"]) == (5, {})
    assert [each["word"] for each in shown["topics"]] == []
    assert browser.get(f"/dashboard/jobs/{review}/report").status_code == 404


def test_the_head_of_a_report_is_sent_before_its_rows_are_read(stored: StoredJob) -> None:
    computed: list[str] = []

    def compute() -> dict[str, object]:
        computed.append("now")
        return {"lead": "", "sections": [], "reviews": []}

    answer = streamed("report.html", job=stored.job, compute=compute)

    async def parts() -> list[tuple[str, bool]]:
        return [(str(each), bool(computed)) async for each in answer.body_iterator]

    head, rest = anyio.run(parts)
    assert ("<h1>" in head[0], head[1]) == (True, False)
    assert ("</html>" in rest[0], rest[1]) == (True, True)
