"""The handoff: what the trainer takes, as texts and as messages."""

from dataclasses import replace

import pytest

from app.domain.formats.handoff import Handoff
from app.domain.handoff import Layout
from app.domain.records import Message, Role, Row

ROW = Row("row-1", "Sort the words.", "pear\nfig", "fig, pear\n", split="test")
TALK = (
    Message(Role.USER, "What is tea?"),
    Message(Role.ASSISTANT, "A drink."),
    Message(Role.USER, "Is it hot?"),
    Message(Role.ASSISTANT, "Mostly."),
)
DIALOGUE = Row("row-2", "What is tea?", "", "A drink.", messages=TALK)
CHAT = Handoff(layout=Layout.MESSAGES, system="Be brief.", separator="\n")


def test_a_text_prompt_ends_behind_the_heading_of_the_answer() -> None:
    assert list(Handoff(preamble_with_input="Do it.").line(ROW).items()) == [
        (
            "prompt",
            "Do it.\n\n### Instruction:\nSort the words.\n\n### Input:\npear\nfig\n\n"
            "### Response:\n",
        ),
        ("completion", "fig, pear\n"),
        ("id", "row-1"),
        ("split", "held_out"),
    ]


def test_the_trainer_learns_from_one_split_and_measures_by_the_others() -> None:
    splits = ("train", "validation", "test", "held_out")
    found = [Handoff().line(replace(ROW, split=each))["split"] for each in splits]
    assert found == ["train", "held_out", "held_out", "seeds"]
    labels = Handoff(with_classification=True)
    for told in (True, False, None):
        line = labels.line(replace(ROW, is_classification=told))
        assert line["is_classification"] is bool(told)


def test_messages_are_parted_before_the_last_answer() -> None:
    line = CHAT.line(DIALOGUE)
    assert line["prompt"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is tea?"},
        {"role": "assistant", "content": "A drink."},
        {"role": "user", "content": "Is it hot?"},
    ]
    assert line["completion"] == [{"role": "assistant", "content": "Mostly."}]
    assert CHAT.line(ROW)["prompt"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Sort the words.\npear\nfig"},
    ]


@pytest.mark.parametrize(
    ("chosen", "row", "reason"),
    [
        (Handoff(), ROW, None),
        (Handoff(), DIALOGUE, "several_turns"),
        (CHAT, DIALOGUE, None),
        (CHAT, replace(DIALOGUE, messages=TALK[:3]), "no_answer_at_the_end"),
        (Handoff(), replace(ROW, output=" \n"), "empty_output"),
    ],
)
def test_what_it_cannot_carry(chosen: Handoff, row: Row, reason: str | None) -> None:
    assert chosen.unfit(row) == reason


def test_the_manifest_says_who_writes_the_end_mark() -> None:
    assert CHAT.facts() == {"layout": "messages", "eos": "append"}
