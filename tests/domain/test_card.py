"""The dataset card: the licence chain, the counts, and a loud word when nothing was real."""

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


def test_the_same_card_gives_the_same_text() -> None:
    given_card = card(teacher=CardTeacher("big", "big-1"))
    assert render_card(given_card) == render_card(given_card)
