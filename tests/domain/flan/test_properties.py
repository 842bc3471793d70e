"""What holds for every example of a mixture, tried on thousands of cases."""

from collections.abc import Sequence
from random import Random

import pytest

from app.domain.flan.cases import Case
from app.domain.flan.choices import draw_style
from app.domain.flan.examples import (
    FOUR_STYLES,
    WITH_OPTIONS,
    WITH_SHOTS,
    DropReason,
    Example,
    Style,
    StyleSettings,
    styled,
    turned_round,
)
from app.domain.flan.inversion import CHAIN_INVERSIONS, DIALOGUE_INVERSIONS, invertible
from app.domain.flan.shots import LAYOUTS, estimated_tokens
from tests.domain.flan.cases import LABELS, chains, classified, dialogues


def examples(
    cases: Sequence[Case], settings: StyleSettings | None = None, pool: Sequence[Case] | None = None
) -> list[tuple[Case, Example]]:
    """Every case in a drawn style; cases that are dropped are left out."""
    known = cases if pool is None else pool
    made = [
        (case, styled(case, known, settings or StyleSettings(), Random(n)))
        for n, case in enumerate(cases)
    ]
    return [(case, each) for case, each in made if isinstance(each, Example)]


def only(*styles: Style) -> StyleSettings:
    return StyleSettings(shares=dict.fromkeys(styles, 1.0))


def answer_of(case: Case, target: str) -> str:
    """The end of a target that stands for the answer."""
    beginning, end = case.target("\0").split("\0")
    assert target.startswith(beginning)
    assert target.endswith(end)
    return target[len(beginning) : len(target) - len(end)]


def named_option(question: str, answer: str, options: Sequence[str]) -> str | None:
    """The option that an answer names in the text of a question: by itself, or by its mark."""
    lines = question.splitlines()
    if answer in options:
        return answer
    marked = [line for line in lines if line.startswith(f"{answer} ")]
    return marked[0].removeprefix(f"{answer} ") if len(marked) == 1 else None


CHOOSING = [
    *classified(1500),
    *chains(1500, options=True),
    *classified(300, "many", tuple(f"choice {n}" for n in range(40))),
]


def test_the_answer_is_among_the_options_and_its_mark_is_right() -> None:
    """For options of the question; what is asked stands at the end of the input."""
    found = examples(CHOOSING, only(Style.ZERO_SHOT_OPTIONS))
    assert len(found) == len(CHOOSING)
    marked = 0
    for case, example in found:
        answer = answer_of(case, example.target)
        assert named_option(example.input, answer, case.options) == case.answer
        assert all(option in example.input for option in case.options)
        marked += answer != case.answer
    assert 0.3 < marked / len(found) < 0.7


def test_worked_examples_mark_their_answers_as_the_question_does() -> None:
    cases = classified(400)
    by_mark = 0
    for case, example in examples(cases, only(Style.FEW_SHOT_OPTIONS)):
        asked = example.input.rpartition(case.input)[2]
        by_mark += example.target != case.answer
        for row in example.exemplars:
            exemplar = cases[row]
            told = example.input.partition(exemplar.input + asked)[2].lstrip()
            answer = told if example.target == case.answer else told.split()[0]
            assert told.startswith(exemplar.answer) or (
                named_option(asked, answer, exemplar.options) == exemplar.answer
            )
    assert 100 < by_mark < 300


def test_exemplars_are_of_the_same_template_and_never_the_row_itself() -> None:
    cases = [*classified(500), *chains(1500, options=True), *classified(500, "other")]
    found = examples(cases, only(Style.FEW_SHOT, Style.FEW_SHOT_OPTIONS))
    assert len(found) == len(cases)
    by_key = {(case.template, case.row): case for case in cases}
    for case, example in found:
        assert 1 <= len(example.exemplars) == len({*example.exemplars}) <= 5
        assert case.row not in example.exemplars
        for row in example.exemplars:
            assert by_key[case.template, row].input in example.input
        assert example.input.count(case.input) == 1, "the question was answered before it was asked"


def test_a_row_that_says_the_same_is_no_exemplar() -> None:
    twins = [Case(n, "t", "Same?", "yes") for n in range(3)]
    assert styled(twins[0], twins, only(Style.FEW_SHOT), Random(0)) is DropReason.NO_EXEMPLAR


def test_rows_without_an_exemplar_are_dropped() -> None:
    alone = classified(1)
    assert styled(alone[0], alone, only(Style.FEW_SHOT), Random(0)) is DropReason.NO_EXEMPLAR


@pytest.mark.parametrize("budget", [60, 120, 400])
def test_inputs_keep_their_budget(budget: int) -> None:
    settings = StyleSettings(input_tokens=budget, few_shot_tokens=budget, target_tokens=30)
    cases = [*chains(1500, options=True), *classified(200)]
    found = examples(cases, settings)
    assert found
    for _, example in found:
        assert estimated_tokens(example.input) <= budget
        assert estimated_tokens(example.target) <= 30


def test_exemplars_are_dropped_until_the_prompt_fits() -> None:
    cases = classified(100)
    wide = examples(cases, only(Style.FEW_SHOT))
    narrow = examples(
        cases, StyleSettings(shares={Style.FEW_SHOT: 1.0}, few_shot_tokens=45), pool=cases
    )
    assert {len(each.exemplars) for _, each in wide} == {5}
    assert {len(each.exemplars) for _, each in narrow} < {1, 2, 3, 4}


def test_long_questions_and_answers_are_dropped_by_name() -> None:
    long, talkative = Case(0, "t", "word " * 3000, "a"), Case(1, "t", "q", "word " * 3000)
    for style, pool in ((Style.ZERO_SHOT, []), (Style.FEW_SHOT, classified(9, "t"))):
        settings = only(style)
        assert styled(long, pool, settings, Random(0)) is DropReason.INPUT_TOO_LONG
        assert styled(talkative, pool, settings, Random(0)) is DropReason.TARGET_TOO_LONG


def test_the_four_styles_come_in_their_shares() -> None:
    cases = classified(4000)
    found = [each.style for _, each in examples(cases, pool=cases[:64])]
    for style in FOUR_STYLES:
        assert abs(found.count(style) / len(found) - 0.25) < 0.04  # 5.8 standard deviations


def test_options_are_hidden_only_where_they_can_be() -> None:
    shown = [Case(n, "t", f"World or Sports? {n}", "World", LABELS, shown=True) for n in range(300)]
    styles = {each.style for _, each in examples(shown)}
    assert styles == WITH_OPTIONS
    assert all("World or Sports" in each.input for _, each in examples(shown))
    stray = [Case(n, "t", f"q {n}", "none of them", LABELS) for n in range(300)]
    assert {each.style for _, each in examples(stray)} == {Style.ZERO_SHOT, Style.FEW_SHOT}
    assert styled(stray[0], stray, only(*WITH_OPTIONS), Random(0)) is DropReason.NO_STYLE


def test_every_inverted_target_is_a_field_of_its_source_row() -> None:
    cases = [*chains(2000), *dialogues(1000)]
    assert all(map(invertible, cases))
    for number, case in enumerate(cases):
        example = turned_round(case, StyleSettings(), Random(number))
        assert isinstance(example, Example)
        fields = {case.question, case.chain, case.answer, case.input.removesuffix("\nB:")}
        assert example.target in fields - {""}
        assert example.style is Style.INVERTED
    assert not any(map(invertible, classified(10)))
    assert (len(CHAIN_INVERSIONS), len(DIALOGUE_INVERSIONS)) == (18, 10)


def test_braces_of_a_row_stay_as_they_are() -> None:
    case = Case(0, "chain_0", "q", "{answer}", question="{chain}", chain="{question} {")
    example = turned_round(case, StyleSettings(), Random(0))
    assert isinstance(example, Example)
    assert "{" in example.input


def test_styles_of_options_are_many_and_their_marks_differ() -> None:
    options = [f"option {n}" for n in range(20)]
    styles = [draw_style(Random(n), len(options)) for n in range(3000)]
    assert len({(s.opener, s.ending, s.block(["x"])) for s in styles}) > 500
    for style in styles:
        answers = [style.answer(options, each) for each in options]
        assert len({*answers}) == len(options)
        if style.lettered:
            assert all(f"{mark} {o}" in style.block(options) for mark, o in zip(answers, options, strict=True))  # fmt: skip  # noqa: E501
        else:
            assert answers == options


def test_the_same_seed_gives_the_same_example() -> None:
    cases = classified(50)
    assert examples(cases) == examples(cases)
    assert len(LAYOUTS) == 10
    assert {*FOUR_STYLES} > WITH_SHOTS
