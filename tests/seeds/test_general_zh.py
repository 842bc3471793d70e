"""Checks that our own general Chinese seed set is whole, varied, Chinese and nobody else's."""

import re
from functools import cache
from itertools import combinations

import pytest

from app.domain.foreign import is_foreign
from app.domain.language import CHINESE_BLACKLIST, CHINESE_MARKS
from app.domain.records import Instance
from app.domain.row_language import is_foreign_output
from app.domain.seed_rows import parse_seed
from app.domain.tokens import unicode_tokens
from tests.seeds.seed_files import (
    PUBLISHED,
    ROOT,
    Task,
    counts_of,
    counts_told,
    read_tasks,
    too_close,
)

SEED_FILE = ROOT / "seeds" / "general_zh.jsonl"
TOKENS = cache(unicode_tokens)
TASK_FIELDS = {"id", "name", "instruction", "instances", "is_classification"}


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return read_tasks(SEED_FILE)


@pytest.fixture(scope="module")
def instructions(tasks: list[Task]) -> list[str]:
    return [task["instruction"] for task in tasks]


def test_there_are_enough_tasks_of_either_kind(tasks: list[Task]) -> None:
    assert len(tasks) >= 100
    assert 0.20 <= sum(task["is_classification"] for task in tasks) / len(tasks) <= 0.30
    without = sum(all(not each["input"] for each in task["instances"]) for task in tasks)
    assert 0.25 <= without / len(tasks) <= 0.5


def test_every_task_has_the_schema(tasks: list[Task]) -> None:
    for task in tasks:
        assert set(task) == TASK_FIELDS, task["id"]
        assert isinstance(task["is_classification"], bool), task["id"]
        assert len(task["instances"]) >= 1, task["id"]
        assert all(set(each) == {"input", "output"} for each in task["instances"]), task["id"]
        assert parse_seed(task)[1] == (), task["id"]


def test_ids_count_up_in_file_order(tasks: list[Task]) -> None:
    assert [task["id"] for task in tasks] == [f"general_zh_{n}" for n in range(len(tasks))]


@pytest.mark.parametrize("field", ["id", "name", "instruction"])
def test_field_is_unique(tasks: list[Task], field: str) -> None:
    values = [task[field].lower() for task in tasks]
    assert sorted(set(values)) == sorted(values)


def test_names_are_snake_case(tasks: list[Task]) -> None:
    assert [task["name"] for task in tasks if not re.fullmatch(r"[a-z0-9_]+", task["name"])] == []


def test_nothing_is_blank_or_padded(tasks: list[Task]) -> None:
    for task in tasks:
        texts = [task["instruction"], *(each["output"] for each in task["instances"])]
        assert all(texts), task["id"]
        texts += [each["input"] for each in task["instances"]]
        assert all(text == text.strip() for text in texts), task["id"]


def test_instructions_keep_the_rules_of_chinese(instructions: list[str]) -> None:
    for text in instructions:
        assert 8 <= len(re.sub(r"\s", "", text)) <= 149, text
        assert text[0] not in CHINESE_MARKS, text
        assert not any(each.lower() in text.lower() for each in CHINESE_BLACKLIST), text
        assert not is_foreign(text, "zh"), text


def test_outputs_are_chinese_where_they_should_be(tasks: list[Task]) -> None:
    for task in tasks:
        for each in task["instances"]:
            instance = Instance(each["input"], each["output"])
            assert not is_foreign_output(task["instruction"], instance, "zh"), task["id"]


def test_classification_answers_are_labels_that_the_task_names(tasks: list[Task]) -> None:
    for task in (each for each in tasks if each["is_classification"]):
        for each in task["instances"]:
            assert each["output"] in f"{task['instruction']}\n{each['input']}", task["id"]
            assert len(each["output"]) <= 10, task["id"]


def test_limits_that_a_task_sets_are_kept(tasks: list[Task]) -> None:
    limit = re.compile(r"(?:不超过\s*(\d+)\s*个?字|(\d+)\s*个?字以内)")
    limited = [(task, found) for task in tasks if (found := limit.search(task["instruction"]))]
    assert len(limited) >= 5
    for task, found in limited:
        most = int(found[1] or found[2])
        each_line = "每句" in task["instruction"] or "每条" in task["instruction"]
        for instance in task["instances"]:
            text = re.sub(r"^\d+\.\s*", "", instance["output"], flags=re.M)
            parts = text.split("\n") if each_line else [text]
            assert all(len(re.findall(r"\w", part)) <= most for part in parts), task["id"]


def test_instructions_differ_from_each_other(instructions: list[str]) -> None:
    assert too_close(combinations(instructions, 2), TOKENS) == []


def test_instructions_differ_from_the_published_set(instructions: list[str]) -> None:
    path = PUBLISHED / "instruction_wild" / "seeds_zh.jsonl"
    if not path.exists():
        pytest.skip("InstructionWild's seeds_zh.jsonl is not at ../shared/data/instruction_wild")
    published = [task["instruction"] for task in read_tasks(path)]
    assert published
    pairs = ((ours, theirs) for ours in instructions for theirs in published)
    assert too_close(pairs, TOKENS) == []


def test_readme_counts_equal_the_file(tasks: list[Task]) -> None:
    assert counts_told("general_zh") == counts_of(tasks)
