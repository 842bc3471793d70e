"""Verdicts on rows: what must be said with each, and what they say together."""

import pytest

from app.domain.review import (
    REASONS,
    Field,
    RowText,
    Verdict,
    findings,
    of_turns,
    read_verdict,
    same_text,
    text_problems,
    verdict_problems,
)

MADE = RowText("Sort the words.", "b a", "a b")


@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        ("keep", Verdict.KEPT),
        (" Drop ", Verdict.DROPPED),
        ("EDITED", Verdict.EDITED),
        ("yes", None),
    ],
)
def test_words_for_verdicts(word: str, verdict: Verdict | None) -> None:
    assert read_verdict(word) is verdict


@pytest.mark.parametrize(
    ("verdict", "reasons", "note", "wrong"),
    [
        ("kept", [], "", []),
        ("kept", [], "Well done.", []),
        ("kept", ["wrong_output"], "", ["/reasons conflicting_options"]),
        ("dropped", [], "", ["/reasons missing_field"]),
        ("dropped", ["wrong_output"], "", []),
        ("edited", ["bad"], "", ["/reasons wrong_type"]),
        ("dropped", ["other"], " ", ["/note missing_field"]),
        ("dropped", ["other"], "odd", []),
        ("kept", [], "\0", ["/note nul_character"]),
        ("kept", [], "\ud800", ["/note lone_surrogate"]),
        ("kept", [], "x" * 2001, ["/note too_long"]),
    ],
)
def test_what_must_be_said(verdict: str, reasons: list[str], note: str, wrong: list[str]) -> None:
    found = verdict_problems(Verdict(verdict), reasons, note)
    assert [f"{each.pointer} {each.code}" for each in found] == wrong


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (RowText("Sort the words.", "b a", "a b c"), []),
        (MADE, ["/verdict conflicting_options"]),
        (RowText("Sort the words.", "", "a b"), []),
        (RowText(" ", "b a", "a b"), ["/instruction blank"]),
        (RowText("Sort.", "b a", "\0"), ["/output nul_character"]),
        (RowText("x" * 100_001, "b a", "a b"), ["/instruction too_long"]),
    ],
)
def test_what_an_edit_may_hold(text: RowText, wrong: list[str]) -> None:
    assert [f"{each.pointer} {each.code}" for each in text_problems(text, MADE)] == wrong


def test_line_ends_are_no_change() -> None:
    assert same_text(RowText("a\r\nb", "", "c"), RowText("a\nb", "", "c"))
    assert not same_text(RowText("a\nb", "", "c"), RowText("a b", "", "c"))


def test_a_dialogue_is_changed_turn_by_turn() -> None:
    turns = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
    ]
    changed = of_turns(["Be brief.", "Hello?", "Yes."], RowText("Hello", "", "Hi", turns))
    assert (changed.instruction, changed.output) == ("Hello?", "Yes.")
    assert [each["role"] for each in changed.messages or ()] == ["system", "user", "assistant"]
    assert turns[0]["content"] == "Be kind."


def test_the_table_of_self_instruct() -> None:
    judged: list[tuple[str, list[str]]] = [
        *[("kept", [])] * 108,
        *[("dropped", ["no_valid_task", "merged_tasks"])] * 16,
        *[("edited", ["wrong_output", "unfit_input"])] * 42,
        *[("edited", ["wrong_output"])] * 34,
    ]
    found = findings(judged, 82_439)
    assert (found.judged, found.valid.share) == (200, 0.54)
    assert found.verdicts == {"kept": 108, "edited": 76, "dropped": 16}
    shares = {name: each.share for name, each in found.fields.items()}
    assert shares == {"instruction": 0.92, "input": 0.79, "output": 0.62}
    assert list(found.reasons) == ["wrong_output", "unfit_input", "merged_tasks", "no_valid_task"]


def test_reasons_fit_the_keys_and_every_field_has_one() -> None:
    assert len(REASONS) <= 9
    assert {each.field for each in REASONS} == {*Field, None}
    assert len({each.name for each in REASONS}) == len(REASONS)
