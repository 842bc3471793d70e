"""Documents as pages without scripts, up to the job that asks about them."""

from starlette.testclient import TestClient

from app.runtime import Runtime
from app.use_cases import document_sets, jobs
from tests.api.stored_job import stored_teacher
from tests.dashboard.conftest import ORIGIN
from tests.dashboard.test_new_job import NEW, sent, told
from tests.dashboard.test_template_sets import upload

LIST = "/dashboard/documents"
TEA = b"# Tea\n\n## Green <b>tea</b>\n\nIt is steeped for two minutes.\n"


def test_from_a_document_to_a_job(browser: TestClient, runtime: Runtime) -> None:
    answer = upload(browser, LIST, "document", "tea.md", TEA, licence="CC0-1.0")
    made = document_sets.page(runtime).items[0]
    assert answer.headers["location"] == f"{LIST}/{made.id}"
    assert (made.name, made.licence, made.language) == ("tea", "CC0-1.0", "en")
    again = upload(
        browser, LIST, "document", "milk.txt", b"Milk goes in last.", document_set_id=str(made.id)
    )
    assert again.headers["location"] == f"{LIST}/{made.id}"
    shown = browser.get(f"{LIST}/{made.id}").text
    assert all(words in shown for words in ("tea.md", "milk.txt", "Milk goes in last."))
    assert "steeped for two minutes" in shown
    assert "<b>tea" not in shown
    assert "tea" in browser.get(LIST).text
    form = browser.get(f"{NEW}?method=grounded&seed_set={made.id}").text
    assert f'value="{made.id}" selected' in form
    asked = {"method": "grounded", "seed_set_id": made.id, "teacher_id": stored_teacher(runtime)}
    asked |= {"target_rows": "5", "cap_micro_usd": "1", "action": "submit"}
    assert sent(browser, NEW, asked).status_code == 303
    assert jobs.page(runtime).items[0].job.seed_set_id == made.id
    assert browser.post(f"{LIST}/{made.id}/delete", headers=ORIGIN).status_code == 409


def test_a_document_is_removed_and_then_its_set(browser: TestClient, runtime: Runtime) -> None:
    upload(browser, LIST, "document", "tea.md", TEA)
    made = document_sets.page(runtime).items[0]
    document = document_sets.page_documents(runtime, made.id).items[0]
    gone = browser.post(f"{LIST}/{made.id}/{document.id}/delete", headers=ORIGIN)
    assert gone.headers["location"] == f"{LIST}/{made.id}"
    assert not document_sets.page_documents(runtime, made.id).items
    assert browser.post(f"{LIST}/{made.id}/delete", headers=ORIGIN).status_code == 303
    assert not document_sets.page(runtime).items


def test_what_cannot_be_read_is_named(browser: TestClient, runtime: Runtime) -> None:
    answer = upload(browser, LIST, "document", "tea.docx", b"PK", name="kept")
    assert (answer.status_code, 'value="kept"' in answer.text) == (422, True)
    assert told(answer.text) == {
        ("document", "its name must end in .txt, .text, .md, .markdown, .html, .htm, .pdf")
    }
    answer = upload(browser, LIST, "document", "tea.txt", b"caf\xe9")
    assert (answer.status_code, "line 1" in answer.text) == (422, True)
    answer = upload(browser, LIST, "document", "tea.txt", TEA, chunk_characters="3")
    assert {name for name, _ in told(answer.text)} == {"chunk_characters"}
    answer = upload(browser, LIST, "document", "tea.txt", TEA, document_set_id="mine")
    assert {name for name, _ in told(answer.text)} == {"document_set_id"}
    assert told(upload(browser, LIST, "other", "tea.txt", TEA).text) == {
        ("document", "choose a file")
    }
    assert not document_sets.page(runtime).items
    foreign = browser.post(LIST, headers={"Origin": "http://elsewhere"})
    assert foreign.status_code == 403
