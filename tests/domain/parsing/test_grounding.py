"""What a reply says of its passage: tables of positives and near misses."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import pytest

from app.domain.parsing.grounding import bears_out, says_nothing, speaks_of_passage, unlabelled


@pytest.mark.parametrize(
    "reply",
    [
        "[NO ANSWER]",
        " **[no answer]**\n",
        "No answer.",
        "[NO ANSWER] The text is about coffee.",
        "<think>hm</think>[NO ANSWER]",
        "[无法回答]",
        "无法回答。",
        "The passage does not say how hot the water is.",
        "Sorry, but the given text doesn’t mention it.",
        "文中没有说明水温。",
        "抱歉，该段文字未提及。",
    ],
)
def test_says_nothing(reply: str) -> None:
    assert says_nothing(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "No answer is given before nine in the morning, so call later.",
        "No, it keeps for a year.",
        "The text messages are kept for a year.",
        "Water that does not boil.",
        "The document does matter: sign it.",
        "无法回答的邮件转给经理。",
        "",
    ],
)
def test_says_something(reply: str) -> None:
    assert not says_nothing(reply)


@pytest.mark.parametrize(
    "text",
    [
        "What does the passage say about tea?",
        "According to the text, how hot is it?",
        "Summarise the above section.",
        "Which kinds are named in this excerpt?",
        "The document states that tea is hot.",
        "根据原文，水温多少？",
        "这段文字讲了什么？",
        "文中提到的茶有哪些？",
    ],
)
def test_speaks_of_passage(text: str) -> None:
    assert speaks_of_passage(text)


@pytest.mark.parametrize(
    "text",
    [
        "How do I share the document with others?",
        "Which passages did ships take to the north?",
        "Who may sign the document in this case?",
        "What belongs into a section of a report?",
        "怎样把文档发给同事？",
    ],
)
def test_speaks_of_no_passage(text: str) -> None:
    assert not speaks_of_passage(text)


@pytest.mark.parametrize(("answer", "expected"), [
    ("Answer: 80 degrees.", "80 degrees."), ("**Answer:** 80.", "80."),
    ("回答：八十度。", "八十度。"),
    ("80. Answer: no", "80. Answer: no"), ("Answers vary.", "Answers vary."), ("", ""),
])  # fmt: skip
def test_a_label_goes(answer: str, expected: str) -> None:
    assert unlabelled(answer) == expected


@pytest.mark.parametrize(("reply", "expected"), [
    ("Yes", True), (" **yes**, all of it", True), ("是。", True), ("能", True),
    ("No", False), ("Yesterday", False), ("否", False), ("", False), ("Perhaps yes", False),
])  # fmt: skip
def test_bears_out(reply: str, expected: bool) -> None:
    assert bears_out(reply) is expected
