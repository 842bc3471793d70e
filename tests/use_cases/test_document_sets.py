"""Sets of documents: whole or not at all, closed while a job uses them, the same twice is once."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from app.domain.documents import DocumentKind
from app.errors import Conflict, InUse, InvalidDocument, NotFound, NotText, TooLarge
from app.runtime import Runtime
from app.use_cases import document_sets, jobs, seed_sets
from app.use_cases.document_sets import AddedDocument, DocumentDetails
from app.use_cases.job_context import SeedCache
from tests.driving import add_seeds, add_teacher
from tests.sandbox.pdf_files import pdf

TEA = "# Tea\n\n" + "Green tea wants water of eighty degrees. " * 20


@pytest.fixture
def seed_set_id(runtime: Runtime) -> UUID:
    return document_sets.create(runtime, seed_sets.SeedSetDetails(name="kitchen")).id


def add(
    runtime: Runtime,
    seed_set_id: UUID,
    name: str = "tea.md",
    text: str = TEA,
    kind: DocumentKind = DocumentKind.MARKDOWN,
) -> AddedDocument:
    details = DocumentDetails(name, kind, 300)
    return document_sets.add_document(runtime, seed_set_id, details, [text.encode()])


def names(runtime: Runtime, seed_set_id: UUID) -> list[str]:
    page = document_sets.page_chunks(runtime, seed_set_id, limit=200)
    return [(each.facts or {})["chunk"] for each in page.items]


def test_chunks_are_counted_and_know_their_place(runtime: Runtime, seed_set_id: UUID) -> None:
    empty = document_sets.get(runtime, seed_set_id)
    assert (empty.kind, empty.row_count) == ("documents", 0)
    first, second = add(runtime, seed_set_id), add(runtime, seed_set_id, "b.md", "# B\n\nShort.")
    made = document_sets.get(runtime, seed_set_id)
    assert made.row_count == first.document.chunk_count + 1 == len(names(runtime, seed_set_id))
    assert made.sha256 != empty.sha256
    assert names(runtime, seed_set_id)[0] == "tea.md#1"
    assert names(runtime, seed_set_id)[-1] == "b.md#1"
    assert second.document.position == 1


def test_the_same_document_twice_is_one(runtime: Runtime, seed_set_id: UUID) -> None:
    first, again = add(runtime, seed_set_id), add(runtime, seed_set_id, "other.md")
    assert (first.created, again.created) == (True, False)
    assert again.document == first.document
    with pytest.raises(Conflict, match="another document") as raised:
        add(runtime, seed_set_id, text="# Tea\n\nBlack.")
    assert raised.value.code == "name_taken"


def test_the_same_document_at_once_is_one(runtime: Runtime, seed_set_id: UUID) -> None:
    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(lambda _: add(runtime, seed_set_id), range(4)))
    assert sum(each.created for each in added) == 1
    assert len({each.document.id for each in added}) == 1
    chunks = added[0].document.chunk_count
    assert document_sets.get(runtime, seed_set_id).row_count == chunks


def test_a_document_goes_with_its_chunks(runtime: Runtime, seed_set_id: UUID) -> None:
    before = document_sets.get(runtime, seed_set_id)
    first = add(runtime, seed_set_id)
    add(runtime, seed_set_id, "b.md", "# B\n\nShort.")
    document_sets.delete_document(runtime, seed_set_id, first.document.id)
    assert names(runtime, seed_set_id) == ["b.md#1"]
    with pytest.raises(NotFound):
        document_sets.delete_document(runtime, seed_set_id, first.document.id)
    again = add(runtime, seed_set_id)
    assert again.created
    assert document_sets.get(runtime, seed_set_id).sha256 != before.sha256


def test_a_set_is_closed_while_a_job_uses_it(runtime: Runtime, seed_set_id: UUID) -> None:
    document = add(runtime, seed_set_id).document
    teacher = add_teacher(runtime, "http://127.0.0.1:9/v1")
    jobs.submit(runtime, jobs.JobDetails(seed_set_id, teacher.id, 5, method="grounded"))
    for change in (
        lambda: add(runtime, seed_set_id, "b.md", "# B\n\nShort."),
        lambda: document_sets.delete_document(runtime, seed_set_id, document.id),
        lambda: document_sets.delete(runtime, seed_set_id),
    ):
        with pytest.raises(InUse):
            change()


def test_workers_see_a_set_that_changed(runtime: Runtime, seed_set_id: UUID) -> None:
    cache = SeedCache()
    add(runtime, seed_set_id)
    with runtime.database.transaction() as connection:
        before = cache.get(connection, seed_set_id)
    add(runtime, seed_set_id, "b.md", "# B\n\nShort.")
    with runtime.database.transaction() as connection:
        assert len(cache.get(connection, seed_set_id).ordered) == len(before.ordered) + 1


def test_equal_documents_may_be_in_many_sets(runtime: Runtime) -> None:
    for _ in range(2):
        made = document_sets.create(runtime, seed_sets.SeedSetDetails(name="kitchen"))
        assert add(runtime, made.id).created


def test_one_bad_document_leaves_no_set(runtime: Runtime) -> None:
    details = DocumentDetails("tea.md", DocumentKind.MARKDOWN, 300)
    read = document_sets.read_document(details, [TEA.encode()])
    other = document_sets.read_document(details, [b"# Tea\n\nBlack."])
    with pytest.raises(Conflict):
        document_sets.add_all(runtime, seed_sets.SeedSetDetails(name="kitchen"), [read, other])
    assert document_sets.page(runtime).items == []


def test_a_set_of_tasks_is_no_set_of_documents(runtime: Runtime, seed_set_id: UUID) -> None:
    tasks = add_seeds(runtime)
    with pytest.raises(NotFound):
        document_sets.get(runtime, tasks)
    with pytest.raises(NotFound):
        add(runtime, tasks)
    assert [each.id for each in document_sets.page(runtime).items] == [seed_set_id]


def test_problems_of_a_document_that_was_taken_are_kept(
    runtime: Runtime, seed_set_id: UUID
) -> None:
    details = DocumentDetails("tea.pdf", DocumentKind.PDF)
    added = document_sets.add_document(runtime, seed_set_id, details, [pdf(["Green tea.", ""])])
    (kept,) = document_sets.page_documents(runtime, seed_set_id).items
    assert kept == added.document
    assert kept.pages == 2
    assert [(each["page"], each["code"]) for each in kept.problems] == [(2, "no_text")]


@pytest.mark.parametrize(
    ("body", "kind", "failure"),
    [
        (b"PK\x03\x04" + b"\0" * 40, DocumentKind.TEXT, NotText),
        (b"PK\x03\x04....word/document.xml", DocumentKind.PDF, NotText),
        (b"\x1f\x8b\x08", DocumentKind.HTML, NotText),
        (b"%PDF-1.7\n", DocumentKind.TEXT, NotText),
        (b"just text", DocumentKind.PDF, InvalidDocument),
        (b"", DocumentKind.TEXT, InvalidDocument),
        (b"* * *", DocumentKind.TEXT, InvalidDocument),
        ("tea".encode("utf-16-le"), DocumentKind.HTML, InvalidDocument),
        (b"x" * ((32 << 20) + 1), DocumentKind.TEXT, TooLarge),
    ],
)
def test_what_is_no_such_document(
    body: bytes, kind: DocumentKind, failure: type[Exception]
) -> None:
    with pytest.raises(failure):
        document_sets.read_document(DocumentDetails("a", kind), [body])
