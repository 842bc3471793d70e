"""Yes, no or neither, however a chat model says it; and the published reading beside it."""

import pytest

from app.domain.parsing.verdict import published_verdict, tolerant_verdict

YES = (
    "Is it classification? Yes, because it has labels.",
    "Yes",
    " Yes",
    "yes",
    "YES",
    "Yes.",
    "Yes, this is",
    "Yes, because the answer is one label.",
    "**Yes**",
    '"Yes"',
    "Yes\n\nTask: Sing.\nIs it classification? No",
    "Yes - it has labels",
    "Is it classification? Yes",
    "Answer: Yes",
    "The answer is **yes**.",
    "Classification: Yes",
    "This is a classification task because there are labels.",
    "It has labels, so yes.",
    "The task is a binary classification problem.",
    "- Yes",
    "Yep.",
    "Yes \u2014 it is",
    "The reply is one of two words. Yes.",
    "Yes, no other reading is possible",
)
NO = (
    "Task: Say yes or no.\nIs it classification? No, as anything may be said.",
    "No",
    " No.",
    "no",
    "NO",
    "No, the",
    "**No**",
    "No\n",
    "Task: Sing.\nIs it classification? No",
    "This is not a classification task.",
    "It isn't a classification task.",
    "Answer: No.",
    "It isn\u2019t a classification task.",
    "Not a classification task.",
    "Nope",
    "The task does not ask for a fixed set of labels.",
    "It is a non-classification task.",
    "No, yes would be wrong",
)
UNCLEAR = (
    "",
    " \n",
    "To determine if",
    "The task description",
    "Yes/No",
    "Yes or no",
    "Yesterday",
    "Nothing here",
    "No doubt this",
    "I cannot say.",
    "Is it classification?",
    "North",
    "N/A",
)


@pytest.mark.parametrize("reply", YES)
def test_reads_yes(reply: str) -> None:
    assert tolerant_verdict(reply) is True


@pytest.mark.parametrize("reply", NO)
def test_reads_no(reply: str) -> None:
    assert tolerant_verdict(reply) is False


@pytest.mark.parametrize("reply", UNCLEAR)
def test_reads_neither(reply: str) -> None:
    assert tolerant_verdict(reply) is None


@pytest.mark.parametrize("reply", [" Yes", "yes", "YES", "\nYes \n"])
def test_published_yes(reply: str) -> None:
    assert published_verdict(reply) is True


@pytest.mark.parametrize(
    "reply", ["", " No.", "Yes.", "Yes, this", "yEs", "**Yes**", "To determine if"]
)
def test_all_else_was_published_as_no(reply: str) -> None:
    assert published_verdict(reply) is False
