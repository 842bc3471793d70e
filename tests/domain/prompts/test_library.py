"""Prompt files: their form, their placeholders, and that no version changes silently."""

import hashlib
from importlib import resources

import pytest

from app.domain.language import Language
from app.domain.prompts.library import fill, parse_prompt_file, prompt_file
from app.domain.rouge import rouge_l
from app.domain.tokens import rouge_tokens
from tests.domain.playing import json_lines, needs_data

# An edit to a prompt file needs a new version in the file, and a new line here.
PINNED = """
0c4d10b94e6b0bc3 alpaca/propose.en@1
e347f7d79c3a520b alpaca/propose.zh@1
88909e478b2f1897 answer/answer.en@1
88909e478b2f1897 answer/answer.zh@1
adaca4d5d2a41deb answer/judge.en@1
b6c763ad96e75511 answer/judge.zh@1
88909e478b2f1897 evol_instruct/answer.en@1
88909e478b2f1897 evol_instruct/answer.zh@1
58b220feac2868b4 evol_instruct/evolve.en@1
0f812d02e9ac1b3f evol_instruct/evolve.zh@1
decf02c1e17d76e0 evol_instruct/invent.en@1
b5f69cf09f2f1ee8 evol_instruct/invent.zh@1
c5d7ed852559340b evol_instruct/judge.en@1
b6b9ebef3d2cb286 evol_instruct/judge.zh@1
1e554a2fa1ea10ee grounded/answer.en@1
676ca569d2efc58d grounded/answer.zh@1
1d0e1eaedf38e84c grounded/check.en@1
ccd773ace3715e1d grounded/check.zh@1
2236e04d09613d91 grounded/propose.en@1
b66fccc342d7d6ee grounded/propose.zh@1
23f162fd3eb2a40c instruction_wild/answer.en@1
23f162fd3eb2a40c instruction_wild/answer.zh@1
5d2d6353f46962af instruction_wild/propose.en@1
3ff949454dba8422 instruction_wild/propose.zh@1
9e7ebfa83d4519cb judge/compare.en@1
529b5bddcf424288 judge/compare.zh@1
1df3d865cb165025 judge/rubric.en@1
3b009d014d266748 judge/rubric.zh@1
ea5e5cff55d4735d magpie/answer.en@1
ea5e5cff55d4735d magpie/answer.zh@1
2b1f06f743bd3759 magpie/prequery.en@1
2b1f06f743bd3759 magpie/prequery.zh@1
adfbcf62d51c02ed magpie/system.en@1
5f2b7c1b6ff909e3 magpie/system.zh@1
695f963e7197b0f2 multimodal_text/conversation.en@1
25ca36a5f3405c30 multimodal_text/conversation.zh@1
b45b4c8d2a62be52 multimodal_text/description.en@1
8eebe7ea09ae5704 multimodal_text/description.zh@1
be5acb9b97025b3d multimodal_text/reasoning.en@1
f762d9dd2edaeb62 multimodal_text/reasoning.zh@1
df54f265b6eee42a self_chat/chat_turn.en@1
df54f265b6eee42a self_chat/chat_turn.zh@1
60b5efd96e4afd5f self_chat/dialogue_question.en@1
d846ba32b02d4caa self_chat/dialogue_question.zh@1
296c77327527125a self_chat/dialogue_topic.en@1
6ba4778a412ce2bd self_chat/dialogue_topic.zh@1
e0c65a6c6ae4b753 self_chat/user_turn.en@1
7e2d43d96ae89daf self_chat/user_turn.zh@1
27a60279e8f1272a self_instruct/answer_input_first.en@1
574841438fb9bf7d self_instruct/answer_input_first.zh@1
642a4cd5f08ce3c2 self_instruct/answer_output_first.en@1
d1e839c413df6ce9 self_instruct/answer_output_first.zh@1
ccde30c6ba3eef2a self_instruct/classify.en@1
d238b8b316a3a244 self_instruct/classify.zh@1
57ee584279c0d38d self_instruct/propose.en@1
212346e7b9b626fb self_instruct/propose.zh@1
e609118bfa8b2b63 self_instruct/propose_classification.en@1
dc9b7f254f4b3d3c self_instruct/propose_classification.zh@1
"""
FOLDER = resources.files("app.domain.prompts")
METHODS = sorted(each.name for each in FOLDER.iterdir() if each.is_dir())
FILES = [
    (method, *file.name.removesuffix(".txt").rsplit(".", 1))
    for method in METHODS
    for file in FOLDER.joinpath(method).iterdir()
    if file.name.endswith(".txt")
]


@pytest.mark.parametrize(("method", "step", "language"), FILES)
def test_a_version_never_changes(method: str, step: str, language: str) -> None:
    file = FOLDER.joinpath(f"{method}/{step}.{language}.txt")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    label = prompt_file(method, step, language).label
    pinned = f"{digest[:16]} {label}"
    assert pinned in PINNED.split("\n"), f"{label} was edited: give it a new version; {pinned}"


def test_nothing_is_pinned_twice_and_each_file_once() -> None:
    labels = PINNED.split()[1::2]
    newest = {prompt_file(*each).label for each in FILES}
    assert newest <= set(labels)
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("method", METHODS)
def test_every_step_has_its_prompt_in_every_language(method: str) -> None:
    steps = {(step, language) for each, step, language in FILES if each == method}
    assert steps == {(step, language) for step, _ in steps for language in Language}


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
