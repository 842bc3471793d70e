"""Topics: the greedy cover by content words, and which words may be one."""

import pytest

from app.domain.topics import content_words, topics

GARDEN = [
    "Describe the roots of an oak tree.",
    "Compare oak trees with elms.",
    "How do oaks survive a winter?",
    "Write a poem about the winter sea.",
    "List two fish of the northern sea.",
    "Explain the tides of the sea.",
    "Sort numbers.",
    "Add numbers.",
    "Why?",
]


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("Describe the roots of an oak tree.", {"root", "oak", "tree"}),
        ("Explain stories, glasses and foxes", {"story", "glass", "fox"}),
        ("Using the following text, answer the question.", set[str]()),
        ("写一首诗", {"写一", "一首", "首诗"}),
        ("Schreibe über Bäume", {"schreibe", "über", "bäume"}),
        ("1234 5 !?", set[str]()),
    ],
)
def test_content_words(instruction: str, words: set[str]) -> None:
    assert content_words(instruction) == words


def test_each_instruction_belongs_to_the_first_word_that_it_holds() -> None:
    found, covered = topics(GARDEN)
    assert [(each.word, each.count) for each in found] == [("oak", 3), ("sea", 3), ("number", 2)]
    assert covered == 8
    assert found[0].beside == ("tree",)


def test_the_order_of_the_rows_changes_nothing() -> None:
    assert topics(GARDEN[::-1]) == topics(GARDEN)


def test_a_word_in_most_instructions_tells_nothing() -> None:
    garden = [f"Name garden tools for {each}." for each in ("moss", "moss", "ivy", "ivy")]
    assert [each.word for each in topics(garden)[0]] == ["ivy", "moss"]


def test_nothing_to_tell() -> None:
    assert topics([]) == ([], 0)
    assert topics(["Plant moss.", "Water ivy."]) == ([], 0)
    assert len(topics([f"Name {word}s." for word in ("oak", "elm", "ash") * 2], most=2)[0]) == 2
