"""A user's own prompt texts: what they may hold, what becomes of them, and their version."""

import re
from dataclasses import replace
from random import Random

import pytest

from app.domain.language import Language
from app.domain.methods import METHODS
from app.domain.methods.alpaca import Alpaca
from app.domain.methods.self_instruct import SelfInstruct
from app.domain.options import option_fields, options_as_dict
from app.domain.prompts.library import placeholders, prompt_file
from app.domain.prompts.own_texts import (
    MOST_CHARACTERS,
    SYSTEM,
    prompt_texts,
    text_problems,
    versions,
)
from app.domain.records import Candidate, SeedInstance, Source, SourceKind
from tests.domain.playing import configured, self_instruct

OURS = [(method, text) for method in METHODS for text in prompt_texts(method)]
SHOWN = [Source(SourceKind.SEED, str(n), f"Do task {n}.") for n in range(1, 9)]


def codes(**given: object) -> list[tuple[str, str]]:
    texts = {name.replace("__", "."): text for name, text in given.items()}
    return [(each.pointer, each.code) for each in text_problems("self_instruct", texts)]


@pytest.mark.parametrize("method", METHODS)
def test_our_own_texts_pass_in_every_language(method: str) -> None:
    assert bool(prompt_texts(method)) is METHODS[method].CALLS
    for ours in prompt_texts(method):
        assert set(ours.texts) == set(Language)
        for text in ours.texts.values():
            assert list(text_problems(method, {ours.name: text})) == []


def test_languages_have_the_same_placeholders() -> None:
    for method, text in OURS:
        step = text.name.removesuffix(SYSTEM)
        files = [prompt_file(method, step, language) for language in Language]
        assert len({frozenset(placeholders(each.frame)) for each in files}) == 1
        assert len({frozenset(placeholders(each.system or "")) for each in files}) == 1


def test_every_method_of_ours_tells_its_texts() -> None:
    by_name = {text.name: text for text in prompt_texts("self_instruct")}
    assert by_name["propose"].required == ("tasks",)
    assert set(by_name["propose"].placeholders) == {"tasks", "next", "last"}
    assert by_name["classify"].examples == 31
    assert "{{tasks}}" in by_name["propose"].texts["zh"]
    assert prompt_texts("no_such_method") == []


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("propos", "{{tasks}}", "unknown_step"),
        ("propose", 7, "wrong_type"),
        ("propose", " \n", "blank"),
        ("propose", "Go on.", "missing_placeholder"),
        ("propose", "{tasks}", "missing_placeholder"),
        ("propose", "{{tasks}} {{foo}}", "unknown_placeholder"),
        ("propose", "{{tasks}} {{ next }}", "unknown_placeholder"),
        ("propose", "{{tasks}} {{tasks.__class__}}", "unknown_placeholder"),
        ("propose", "{{tasks}} {{tasks|upper}}", "unknown_placeholder"),
        ("propose", "{{tasks}} {{}}", "unknown_placeholder"),
        ("propose", "{{tasks}} {{" + "x" * 100 + "}}", "unknown_placeholder"),
        ("propose", "{{tasks}}" + "x" * MOST_CHARACTERS, "too_long"),
        ("propose", "{{tasks}}\x00", "control_character"),
        ("propose", "{{tasks}}\ud800", "control_character"),
        ("propose__system", "{{instruction}}", "unknown_placeholder"),
    ],
)
def test_what_is_wrong_is_named(name: str, text: object, code: str) -> None:
    assert codes(**{name: text}) == [(f"/prompts/{name.replace('__', '.')}", code)]


def test_problems_list_the_placeholders_and_the_steps() -> None:
    (missing,) = text_problems("self_instruct", {"propose": "Go on."})
    assert "{{tasks}} must be in it" in missing.detail
    assert "{{tasks}}, {{next}}, {{last}}" in missing.detail
    (unknown,) = text_problems("self_instruct", {"propos": "x"})
    assert "did you mean propose?" in unknown.detail
    assert "classify.system" in unknown.detail


@pytest.mark.parametrize(
    "text",
    [
        "{{tasks}}",
        "{% for x in y %} {{tasks}} {# #}",
        "{{tasks}}{{tasks}}{{next}}",
        "{ {{tasks}} }",
    ],
)
def test_what_else_stands_in_a_text_is_sent_as_it_is(text: str) -> None:
    assert codes(propose=text) == []
    method = replace(self_instruct(), own_texts={"propose": text})
    asked = next(method.propose(SHOWN, Random(0)))
    shown = "\n".join(f"{n}. Do task {n}." for n in range(1, 9))
    assert asked.text == text.replace("{{tasks}}", shown).replace("{{next}}", "9")


def test_values_are_not_looked_into() -> None:
    method = replace(self_instruct(), own_texts={"propose": "{{tasks}}"})
    tricky = [Source(SourceKind.SEED, "1", "Explain {{last}} and {{tasks}}")]
    assert next(method.propose(tricky, Random(0))).text == "1. Explain {{last}} and {{tasks}}"


def test_a_text_has_a_version_of_its_own_and_changes_the_digest() -> None:
    ours, own = self_instruct(), replace(self_instruct(), own_texts={"propose": "More: {{tasks}}"})
    first, second = next(ours.propose(SHOWN, Random(0))), next(own.propose(SHOWN, Random(0)))
    assert first.version == "self_instruct/propose.en@1"
    assert re.fullmatch(r"self_instruct/propose\.en@sha256:[0-9a-f]{16}", second.version)
    assert (
        second.version == versions("self_instruct", "en", {"propose": "More: {{tasks}}"})["propose"]
    )
    assert first.digest != second.digest
    assert second.system == first.system
    other = replace(ours, own_texts={"propose": "Yet more: {{tasks}}"})
    assert next(other.propose(SHOWN, Random(0))).version != second.version
    classified = next(own.answer(Candidate("Sort the words.")))
    assert classified.version == "self_instruct/classify.en@1"


def test_a_system_message_can_be_changed_or_left_out() -> None:
    own = replace(self_instruct(), own_texts={"propose.system": "Up to {{last}}."})
    asked = next(own.propose(SHOWN, Random(0)))
    assert asked.system == "Up to 15."
    assert asked.version.startswith("self_instruct/propose.en@sha256:")
    silent = replace(self_instruct(), own_texts={"propose.system": ""})
    assert next(silent.propose(SHOWN, Random(0))).system is None
    paper = replace(self_instruct("paper"), own_texts={"propose": "{{tasks}}"})
    assert next(paper.propose(SHOWN, Random(0))).system is None


def test_worked_examples_stay_ours_or_are_left_out() -> None:
    own = replace(self_instruct(), own_texts={"classify": "{{examples}}\n\n{{instruction}} ?"})
    asked = next(own.answer(Candidate("Sort the words.")))
    assert asked.text.count("Is it classification?") == 31
    bare = replace(self_instruct(), own_texts={"classify": "{{instruction}} ?"})
    assert next(bare.answer(Candidate("Sort the words."))).text == "Sort the words. ?"
    alpaca = {text.name: text for text in prompt_texts("alpaca")}
    assert alpaca["propose"].required == ("examples",)


def test_every_method_sends_the_texts_it_was_given() -> None:
    seed = Source(SourceKind.SEED, "1", "Name a tea.", (SeedInstance("", "Oolong."),))
    own = replace(configured(Alpaca), own_texts={"propose": "Mine: {{examples}}"})
    assert next(own.propose([seed], Random(0))).text.startswith("Mine: ###\n1. Instruction: Name")


def test_a_step_that_is_gone_is_not_told_of() -> None:
    assert versions("self_instruct", "en", {"sing": "x"}) == {}
    assert versions("no_such_method", "en", {"sing": "x"}) == {}


def test_texts_are_no_option() -> None:
    assert "own_texts" not in [field.name for field in option_fields(SelfInstruct)]
    assert "own_texts" not in options_as_dict(replace(self_instruct(), own_texts={"a": "b"}))
