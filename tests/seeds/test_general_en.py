"""Checks that our own general English seed set is whole, varied and nobody else's."""

import json
import re
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from rapidfuzz.distance import Indel

ROOT = Path(__file__).parents[2]
SEED_FILE = ROOT / "seeds" / "general_en.jsonl"
README = ROOT / "seeds" / "README.md"
PUBLISHED = ROOT.parent / "shared" / "data" / "self_instruct"

TASK_FIELDS = {"id", "name", "instruction", "instances", "is_classification"}
MAXIMUM_SIMILARITY = 0.7

Task = dict[str, Any]


def read_tasks(path: Path) -> list[Task]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def tokens(text: str) -> list[str]:
    """The tokens of rouge-score without its stemmer."""
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).split()


def rouge_l(left: list[str], right: list[str]) -> float:
    """ROUGE-L F-measure: 2 LCS / (m + n), which is the normalized indel similarity."""
    return Indel.normalized_similarity(left, right)


def too_close(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [
        (left, right)
        for left, right in pairs
        if rouge_l(tokens(left), tokens(right)) >= MAXIMUM_SIMILARITY
    ]


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
    assert too_close(combinations(instructions, 2)) == []


@pytest.mark.parametrize("name", ["seed_tasks.jsonl", "user_oriented_instructions.jsonl"])
def test_instructions_differ_from_published_set(instructions: list[str], name: str) -> None:
    path = PUBLISHED / name
    if not path.exists():
        pytest.skip(f"Self-Instruct's {name} is not at ../shared/data/self_instruct")
    published = [task["instruction"] for task in read_tasks(path)]
    assert published
    assert too_close((ours, theirs) for ours in instructions for theirs in published) == []


def test_readme_counts_equal_the_file(tasks: list[Task]) -> None:
    classification = sum(task["is_classification"] for task in tasks)
    instances = [instance for task in tasks for instance in task["instances"]]
    rows = re.findall(r"^\| ([a-z ]+) \| (\d+) \|$", README.read_text(encoding="utf-8"), re.M)
    assert {name: int(count) for name, count in rows} == {
        "all tasks": len(tasks),
        "classification tasks": classification,
        "other tasks": len(tasks) - classification,
        "tasks with an empty input": sum(
            all(not instance["input"] for instance in task["instances"]) for task in tasks
        ),
        "instances": len(instances),
    }
