"""The dataset card: the licence chain, the counts, and a loud word when nothing was real."""

from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.domain.card import Card, CardSeedSet, CardTeacher, render_card

SEEDS = CardSeedSet("garden", "CC0-1.0", "written by us", "en", 175)


def card(*, teacher: CardTeacher, title: str = "Garden tasks", reviewed_rows: int = 0) -> Card:
    return Card(
        title=title,
        format="alpaca",
        rows=1234,
        sha256="ab" * 32,
        method="self_instruct, profile paper",
        seed_sets=[SEEDS],
        teachers=[teacher],
        counts={"accepted": 1234, "rejected": 66},
        drops={"blank": 6, "near_duplicate": 60},
        settings={"threshold": 0.7, "stop": ("\n", "Task"), "order": "strict", "cap": None},
        reviewed_rows=reviewed_rows,
    )


def test_a_card_tells_the_licence_chain_and_the_counts() -> None:
    text = render_card(card(teacher=CardTeacher("big", "big-1", "https://example.org/terms")))
    assert "| garden | 175 | en | CC0-1.0 | written by us |" in text
    assert "| big | big-1 | https://example.org/terms |" in text
    assert "| Rows | 1,234 |" in text
    assert "- 1K<n<10K\n" in text
    assert "| rejected | 66 |" in text
    assert text.index("| near_duplicate | 60 |") < text.index("| blank | 6 |")
    assert "| threshold | 0.7 |" in text
    assert '| stop | \\["\\\\n", "Task"\\] |' in text
    assert "| cap | null |" in text
    assert "None were checked by people" in text
    assert "simulated" not in text.lower()


def test_a_simulated_card_says_so_loudly() -> None:
    text = render_card(card(teacher=CardTeacher("stand-in", "demo", simulated=True)))
    assert "**SIMULATED DATA." in text
    assert "- simulated" in text
    assert "not stated" in text


def test_reviewed_rows_are_counted() -> None:
    text = render_card(card(teacher=CardTeacher("big", "big-1"), reviewed_rows=12))
    assert "12 of 1,234 were checked by people" in text


@given(st.text(max_size=60))
def test_the_words_of_others_stay_in_their_place(title: str) -> None:
    text = render_card(card(teacher=CardTeacher("big", "big-1"), title=title))
    front, body = text.removeprefix("---\n").split("\n---\n\n", 1)
    assert yaml.safe_load(front)["license"] == "other"
    assert body.count("\n## ") == 3
    assert "<" not in body.replace("\\<", "")


@pytest.mark.parametrize(
    ("licence", "terms", "warned"),
    [
        ("CC0-1.0", "Apache-2.0", 0),
        ("CC BY-NC 4.0", "Apache-2.0", 1),
        ("CC0-1.0", "https://openai.com/policies/terms-of-use", 1),
        ("CC0-1.0", "Output may not be used to develop competing models.", 1),
        ("for research only", "", 2),
        ("", "MIT", 1),
    ],
)
def test_links_that_restrict_or_are_unknown_get_a_plain_warning(
    licence: str, terms: str, warned: int
) -> None:
    seeds = replace(SEEDS, licence=licence)
    text = render_card(replace(card(teacher=CardTeacher("big", "m", terms)), seed_sets=[seeds]))
    assert text.count("> **Warning.**") == warned


def test_splits_are_told_and_found_by_hubs() -> None:
    told = replace(
        card(teacher=CardTeacher("big", "m", "MIT")),
        rows_by_split={"train": 1000, "test": 234},
        paths={"train": "train/*", "test": "test/*"},
        left_out={"several_turns": 12},
        held_out_seeds=35,
    )
    text = render_card(told)
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["configs"] == [
        {
            "config_name": "default",
            "data_files": [
                {"split": "train", "path": "train/*"},
                {"split": "test", "path": "test/*"},
            ],
        }
    ]
    assert "| test | 234 |" in text
    assert "| several_turns | 12 |" in text
    assert "| Seeds held out from the teacher | 35 |" in text


def test_the_same_card_gives_the_same_text() -> None:
    given_card = card(teacher=CardTeacher("big", "big-1"))
    assert render_card(given_card) == render_card(given_card)
