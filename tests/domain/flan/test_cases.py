"""Cases out of lines of every kind."""

import pytest

from app.domain.flan.cases import BadCase, read_case
from app.domain.flan.chains import CHAIN_FORMS
from tests.domain.flan.cases import chain_line, chains, dialogues


def test_a_rendered_line() -> None:
    line = {
        "row": 7,
        "template": "t",
        "input": "q",
        "target": "b",
        "options": ["a", "b", "a", " "],
        "choices_in_prompt": True,
    }
    case = read_case(line, 0)
    assert (case.row, case.template, case.input, case.target(case.answer)) == (7, "t", "q", "b")
    assert (case.options, case.shown, case.choosable) == (("a", "b"), True, True)


def test_an_instruction() -> None:
    case = read_case({"instruction": "Name it.", "input": "A rose.", "output": "rose"}, 4)
    assert (case.row, case.input, case.answer) == (4, "Name it.\nA rose.", "rose")


def test_reasoning_comes_before_the_answer_in_a_phrase() -> None:
    case = read_case(chain_line(9), 0)
    assert case.chain == "9 minus 3\nis 6"
    form = CHAIN_FORMS[case.template]
    assert case.target("6") == f"9 minus 3\nis 6. {form.closing} 6"
    assert case.question in case.input


def test_forms_of_reasoning_have_equal_shares() -> None:
    found = [case.template for case in chains(200)]
    assert {found.count(form) for form in CHAIN_FORMS} == {20}
    assert len(CHAIN_FORMS) == 10


def test_a_dialogue_ends_before_a_reply() -> None:
    found = dialogues(100)
    assert all(len(case.turns) % 2 == 1 and len(case.turns) < 20 for case in found)
    assert read_case({"turns": ["Hello", "Hi there"]}, 0).input == "A: Hello\nB:"
    assert read_case({"turns": ["Hello", "Hi there"]}, 0).answer == "Hi there"


@pytest.mark.parametrize(
    ("line", "pointer", "code"),
    [
        ({}, "/input", "missing_field"),
        ({"input": "x"}, "/target", "missing_field"),
        ({"input": " ", "target": "y"}, "/input", "wrong_type"),
        ({"input": "x", "target": "y", "options": "y"}, "/options", "wrong_type"),
        ({"question": "q", "chain": "c"}, "/answer", "missing_field"),
        ({"turns": ["alone"]}, "/turns", "wrong_type"),
        ({"turns": ["a", 2]}, "/turns", "wrong_type"),
    ],
)
def test_lines_that_are_no_case(line: dict[str, object], pointer: str, code: str) -> None:
    with pytest.raises(BadCase) as bad:
        read_case(line, 0)
    assert (bad.value.problem.pointer, bad.value.problem.code) == (pointer, code)
