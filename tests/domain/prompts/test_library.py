"""Prompt files: their form, their placeholders, and that no version changes silently."""

import hashlib
from importlib import resources

import pytest

from app.domain.prompts.library import fill, parse_prompt_file, prompt_file
from app.domain.rouge import rouge_l
from app.domain.tokens import rouge_tokens
from tests.domain.playing import json_lines, needs_data

# An edit to a prompt file needs a new version in the file, and a new line here.
PINNED = """
57ee584279c0d38dfb5dcbe7f0ed50733456c1efc755ccf0dbb2cbebb9c33a29 propose.en@1
e609118bfa8b2b6354da7058aa7f653f19505114dd6eafaac34987d9f069d865 propose_classification.en@1
ccde30c6ba3eef2a5332a3b1c213e5f37c8b08ce480ac8d28e2bfb37e177a0b5 classify.en@1
27a60279e8f1272a9d94f2573223d3dc8fc6ebe29f2912778cd123db0dc501c4 answer_input_first.en@1
642a4cd5f08ce3c2f00d016b3e93d3e106bd78adb17ff44ce686a0089291ff94 answer_output_first.en@1
"""
STEPS = (
    "propose",
    "propose_classification",
    "classify",
    "answer_input_first",
    "answer_output_first",
)


def digest(step: str) -> str:
    file = resources.files("app.domain.prompts").joinpath(f"self_instruct/{step}.en.txt")
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("step", STEPS)
def test_a_version_never_changes(step: str) -> None:
    label = prompt_file("self_instruct", step).label
    pinned = f"{digest(step)} {label.removeprefix('self_instruct/')}"
    assert pinned in PINNED.split("\n"), f"{label} was edited: give it a new version"


def test_every_prompt_file_is_pinned() -> None:
    folder = resources.files("app.domain.prompts").joinpath("self_instruct")
    assert {file.name for file in folder.iterdir()} == {f"{step}.en.txt" for step in STEPS}


@pytest.mark.parametrize(
    ("step", "count"),
    [("classify", 31), ("answer_input_first", 11), ("answer_output_first", 16), ("propose", 0)],
)
def test_number_of_worked_examples(step: str, count: int) -> None:
    examples = prompt_file("self_instruct", step).examples
    assert len(examples) == len(set(examples)) == count


def test_classification_examples_are_twelve_yes_and_nineteen_no() -> None:
    answers = [each.rsplit(" ", 1)[1] for each in prompt_file("self_instruct", "classify").examples]
    assert (answers.count("Yes"), answers.count("No")) == (12, 19)


@needs_data
@pytest.mark.parametrize("step", ["classify", "answer_input_first", "answer_output_first"])
def test_worked_tasks_are_our_own(step: str) -> None:
    published = [
        rouge_tokens(row["instruction"])
        for name in ("seed_tasks", "user_oriented_instructions")
        for row in json_lines(f"self_instruct/{name}.jsonl")
    ]
    for example in prompt_file("self_instruct", step).examples:
        task = rouge_tokens(example.splitlines()[0].removeprefix("Task: "))
        assert max(rouge_l(task, each) for each in published) < 0.7


def test_fill_does_not_look_into_values() -> None:
    assert fill("{{a}} {{b}}{{a}}", {"a": "{{b}}", "b": r"\1{{c}}"}) == r"{{b}} \1{{c}}{{b}}"
    assert fill("{a} {{ a }}", {}) == "{a} {{ a }}"
    with pytest.raises(KeyError, match="c"):
        fill("{{c}}", {})


def test_parts_of_a_prompt_file() -> None:
    file = parse_prompt_file("m/s.en", "version: 3\nsystem: Be: brief.\n---\nframe\n\n---\nx\ny\n")
    assert (file.label, file.system) == ("m/s.en@3", "Be: brief.")
    assert (file.frame, file.examples) == ("frame\n", ("x\ny",))


@pytest.mark.parametrize(
    "text", ["", "version: 1\n", "version: one\n---\nx", "---\nx", "version: 1\nkind: a\n---\nx"]
)
def test_a_malformed_prompt_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="wants"):
        parse_prompt_file("m/s.en", text)


def test_a_missing_prompt_file() -> None:
    with pytest.raises(FileNotFoundError):
        prompt_file("self_instruct", "propose", "xx")
