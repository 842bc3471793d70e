"""Seed sets: all of a file or nothing of it."""

import threading
from pathlib import Path

import pytest

from app.errors import Conflict, InUse, InvalidInput, InvalidUpload, NotFound
from app.runtime import Runtime
from app.use_cases import jobs, seed_sets
from app.use_cases.seed_sets import SeedSetDetails
from tests.driving import SEEDS, add_teacher

DETAILS = SeedSetDetails(name="mine", language="en", licence="CC0-1.0", source="test")
GOOD = b'{"instruction": "Name a colour."}\n{"instruction": "Add 2 and 3.", "output": "5"}\n'


def count(runtime: Runtime) -> int:
    return len(seed_sets.page(runtime).items)


def test_our_own_set_comes_back_as_it_went_in(runtime: Runtime) -> None:
    added = seed_sets.add(runtime, DETAILS, [SEEDS.read_bytes()])
    assert added.created
    assert added.seed_set.row_count == len(SEEDS.read_text().splitlines())
    stored = list(seed_sets.download(runtime, added.seed_set.id))
    assert [each.position for each in stored] == list(range(len(stored)))
    assert stored[0].external_id == "general_en_0"
    first = seed_sets.page_seeds(runtime, added.seed_set.id, limit=100)
    second = seed_sets.page_seeds(runtime, added.seed_set.id, cursor=first.next, limit=100)
    assert [*first.items, *second.items] == stored[:200]


def test_the_same_file_gives_the_set_that_exists(runtime: Runtime) -> None:
    first = seed_sets.add(runtime, DETAILS, [GOOD])
    again = seed_sets.add(runtime, DETAILS, [GOOD[:10], GOOD[10:]])
    assert (again.created, again.seed_set) == (False, first.seed_set)
    assert count(runtime) == 1


def test_the_same_file_from_many_at_once_makes_one_set(runtime: Runtime) -> None:
    outcomes: list[object] = []

    def upload() -> None:
        try:
            outcomes.append(seed_sets.add(runtime, DETAILS, [GOOD]).seed_set.id)
        except Conflict as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=upload) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(runtime) == 1
    assert len({each for each in outcomes if each != "already_exists"}) == 1


def test_a_bad_line_stores_nothing(runtime: Runtime) -> None:
    with pytest.raises(InvalidUpload) as caught:
        seed_sets.add(runtime, DETAILS, [GOOD, b"{broken\n"])
    assert [each.line for each in caught.value.report.errors] == [3]
    assert count(runtime) == 0


def test_skipping_stores_the_good_lines_and_reports_the_rest(runtime: Runtime) -> None:
    added = seed_sets.add(runtime, DETAILS, [GOOD, b"{broken\n"], on_error="skip")
    assert added.seed_set.row_count == 2
    assert added.report.error_count == 1


@pytest.mark.parametrize(
    ("language", "tokens"),
    [("en", "rouge"), ("en-GB", "rouge"), ("zh", "unicode"), ("de", "unicode")],
)
def test_the_tokens_follow_the_language(runtime: Runtime, language: str, tokens: str) -> None:
    details = SeedSetDetails(name="x", language=language)
    assert seed_sets.add(runtime, details, [GOOD]).seed_set.tokens == tokens


@pytest.mark.parametrize(
    ("details", "pointer"),
    [
        (SeedSetDetails(name=" "), "/name"),
        (SeedSetDetails(name="x" * 201), "/name"),
        (SeedSetDetails(name="a\x00b"), "/name"),
        (SeedSetDetails(name="x", language="english please"), "/language"),
        (SeedSetDetails(name="x", tokens="words"), "/tokens"),
        (SeedSetDetails(name="x", licence=""), "/licence"),
    ],
)
def test_a_description_that_cannot_be_used_is_named(
    runtime: Runtime, details: SeedSetDetails, pointer: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        seed_sets.add(runtime, details, [GOOD])
    assert pointer in {each.pointer for each in caught.value.problems}
    assert count(runtime) == 0


def test_a_set_in_use_cannot_be_deleted_and_a_free_one_can(runtime: Runtime) -> None:
    seed_set = seed_sets.add(runtime, DETAILS, [GOOD]).seed_set
    teacher = add_teacher(runtime, "http://127.0.0.1:9/v1")
    details = jobs.JobDetails(seed_set_id=seed_set.id, teacher_id=teacher.id, target_rows=5)
    job = jobs.submit(runtime, details)
    with pytest.raises(InUse, match=str(job.id)):
        seed_sets.delete(runtime, seed_set.id)
    with pytest.raises(InUse):
        jobs.delete(runtime, job.id)
    free = seed_sets.add(runtime, DETAILS, [b'{"instruction": "Alone."}']).seed_set
    seed_sets.delete(runtime, free.id)
    with pytest.raises(NotFound):
        seed_sets.get(runtime, free.id)


def test_pages_hold_every_set_once_newest_first(runtime: Runtime, tmp_path: Path) -> None:
    for number in range(5):
        seed_sets.add(runtime, DETAILS, [b'{"instruction": "Task %d."}' % number])
    names: list[object] = []
    cursor = None
    while True:
        page = seed_sets.page(runtime, cursor=cursor, limit=2)
        names += [each.id for each in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert len(set(names)) == 5
    assert names == sorted(names, key=str, reverse=True)
