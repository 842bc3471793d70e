"""Templates and labelled rows as pages without scripts, up to the jobs that they lead to."""

from typing import Any

from starlette.testclient import TestClient

from app.runtime import Runtime
from app.use_cases import jobs, labelled_sets, template_sets
from tests.dashboard.conftest import ORIGIN
from tests.dashboard.test_new_job import NEW, sent, told
from tests.domain.template_text import FILE, one_template
from tests.driving import running_driver

TEMPLATES, ROWS = "/dashboard/template-sets", "/dashboard/labelled-sets"
CSV = b"report,label\nIt <b>pours</b>.,rain\nNo cloud.,1\n"


def upload(
    browser: TestClient, path: str, field: str, file_name: str, content: bytes, **data: str
) -> Any:
    """The answer to an upload form."""
    files = {field: (file_name, content, "application/octet-stream")}
    return browser.post(path, data=data, files=files, headers=ORIGIN)


def test_from_files_to_jobs(browser: TestClient, runtime: Runtime) -> None:
    answer = upload(browser, TEMPLATES, "file", "t.yaml", FILE.encode(), name="weather")
    templates = template_sets.page(runtime).items[0]
    assert answer.headers["location"] == f"{TEMPLATES}/{templates.id}"
    answer = upload(browser, ROWS, "rows_file", "reports.csv", CSV, label_names="label=rain,sun")
    assert answer.status_code == 303
    labelled = labelled_sets.page(runtime).items[0]
    assert (labelled.name, labelled.row_count) == ("reports", 2)
    listed = browser.get(TEMPLATES).text
    assert all(words in listed for words in ("weather", "reports", "label, report"))
    tried = browser.get(f"{TEMPLATES}/{templates.id}?rows={labelled.id}").text
    assert "How is it? It &lt;b&gt;pours&lt;/b&gt;." in tried
    assert "no separator" in tried

    form = browser.get(f"{NEW}?method=template&template_set={templates.id}").text
    assert 'id="labelled_set_id"' in form
    assert 'id="teacher_id"' not in form
    ids = {"labelled_set_id": labelled.id, "template_set_id": templates.id}
    assert sent(browser, NEW, {**ids, "method": "template", "action": "submit"}).status_code == 303
    made = jobs.page(runtime).items[0].job
    assert (made.labelled_set_id, made.target_rows) == (labelled.id, 4)
    with running_driver(runtime) as driver:
        driver.finish(made.id)
    assert browser.get(f"/dashboard/jobs/{made.id}").status_code == 200
    assert f'value="{labelled.id}" selected' in browser.get(f"{NEW}?clone={made.id}").text
    mix = {"method": "mix", "sources": str(made.id), f"sources/cap/{made.id}": "2"}
    mix |= {"action": "submit"}
    assert sent(browser, NEW, mix).status_code == 303
    mixed = jobs.page(runtime).items[0].job
    assert [each.cap for each in jobs.sources(runtime, mixed.id)] == [2]
    assert f'value="{made.id}" checked' in browser.get(f"{NEW}?clone={mixed.id}").text
    refused = browser.post(f"{TEMPLATES}/{templates.id}/delete", headers=ORIGIN)
    assert refused.status_code == 409


def test_what_cannot_be_used_is_named(browser: TestClient, runtime: Runtime) -> None:
    broken = one_template(jinja="'{% if %} ||| <script>'").encode()
    answer = upload(browser, TEMPLATES, "file", "t.yaml", broken, name="kept")
    assert (answer.status_code, 'value="kept"' in answer.text) == (422, True)
    assert "line 3: template n, line 1 of its text" in answer.text
    answer = upload(browser, ROWS, "rows_file", "r.csv", CSV, label_names="label=fog,hail")
    assert (answer.status_code, "rain is none of fog, hail" in answer.text) == (422, True)
    answer = upload(browser, ROWS, "other", "r.csv", CSV)
    assert told(answer.text) == {("rows_file", "choose a file")}
    assert template_sets.page(runtime).items == labelled_sets.page(runtime).items == []
    assert told(sent(browser, NEW, {"method": "template"}).text) == {
        ("labelled_set_id", "is required")
    }
    answer = sent(browser, NEW, {"method": "mix", "sources": "mine"})
    assert {name for name, _ in told(answer.text)} == {"sources"}
    foreign = browser.post(TEMPLATES, headers={"Origin": "http://elsewhere"})
    assert foreign.status_code == 403
