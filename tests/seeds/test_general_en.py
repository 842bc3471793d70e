"""Checks that our own general English seed set is whole, varied and nobody else's."""

import re
from functools import cache
from itertools import combinations

import pytest

from tests.seeds.seed_files import (
    PUBLISHED,
    ROOT,
    Task,
    counts_of,
    counts_told,
    read_tasks,
    too_close,
)

SEED_FILE = ROOT / "seeds" / "general_en.jsonl"
TASK_FIELDS = {"id", "name", "instruction", "instances", "is_classification"}


@cache
def tokens(text: str) -> list[str]:
    """The tokens of rouge-score without its stemmer."""
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).split()


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return read_tasks(SEED_FILE)


@pytest.fixture(scope="module")
def instructions(tasks: list[Task]) -> list[str]:
    return [task["instruction"] for task in tasks]


def test_there_are_enough_tasks(tasks: list[Task]) -> None:
    assert len(tasks) >= 175


def test_about_a_quarter_are_classification_tasks(tasks: list[Task]) -> None:
    share = sum(task["is_classification"] for task in tasks) / len(tasks)
    assert 0.20 <= share <= 0.30


def test_every_task_has_the_schema(tasks: list[Task]) -> None:
    for task in tasks:
        assert set(task) == TASK_FIELDS, task["id"]
        assert isinstance(task["is_classification"], bool), task["id"]
        assert len(task["instances"]) >= 1, task["id"]
        for instance in task["instances"]:
            assert set(instance) == {"input", "output"}, task["id"]
            assert isinstance(instance["input"], str), task["id"]


def test_ids_count_up_in_file_order(tasks: list[Task]) -> None:
    assert [task["id"] for task in tasks] == [f"general_en_{n}" for n in range(len(tasks))]


@pytest.mark.parametrize("field", ["id", "name", "instruction"])
def test_field_is_unique(tasks: list[Task], field: str) -> None:
    values = [task[field].lower() for task in tasks]
    assert sorted(set(values)) == sorted(values)


def test_names_are_snake_case(tasks: list[Task]) -> None:
    assert [task["name"] for task in tasks if not re.fullmatch(r"[a-z0-9_]+", task["name"])] == []


def test_nothing_is_blank_or_padded(tasks: list[Task]) -> None:
    for task in tasks:
        texts = [task["instruction"], *(instance["output"] for instance in task["instances"])]
        assert all(texts), task["id"]
        texts += [instance["input"] for instance in task["instances"]]
        assert all(text == text.strip() for text in texts), task["id"]


def test_instructions_have_four_to_sixty_words(instructions: list[str]) -> None:
    assert [text for text in instructions if not 4 <= len(text.split()) <= 60] == []


def test_classification_answers_are_labels_that_the_task_names(tasks: list[Task]) -> None:
    for task in tasks:
        if not task["is_classification"]:
            continue
        for instance in task["instances"]:
            task_text = f"{task['instruction']}\n{instance['input']}".lower()
            label = re.escape(instance["output"].lower())
            assert re.search(rf"(?<!\w){label}(?!\w)", task_text), task["id"]


def test_instructions_differ_from_each_other(instructions: list[str]) -> None:
    assert too_close(combinations(instructions, 2), tokens) == []


@pytest.mark.parametrize("name", ["seed_tasks.jsonl", "user_oriented_instructions.jsonl"])
def test_instructions_differ_from_published_set(instructions: list[str], name: str) -> None:
    path = PUBLISHED / "self_instruct" / name
    if not path.exists():
        pytest.skip(f"Self-Instruct's {name} is not at ../shared/data/self_instruct")
    published = [task["instruction"] for task in read_tasks(path)]
    assert published
    pairs = ((ours, theirs) for ours in instructions for theirs in published)
    assert too_close(pairs, tokens) == []


def test_readme_counts_equal_the_file(tasks: list[Task]) -> None:
    assert counts_told("general_en") == counts_of(tasks)
