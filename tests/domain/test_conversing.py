"""Replay gives the same next prompt or the same outcome."""

from app.domain.conversing import Finished, carry_on
from app.domain.method import Completion, Conversation, Decoding, Prompt


def prompt(text: str) -> Prompt:
    return Prompt("ask", text, Decoding(max_tokens=8), "test@1")


def two_steps() -> Conversation[str]:
    first = yield prompt("one")
    second = yield prompt(f"two after {first.text}")
    return f"{first.text} {second.text}"


def test_the_next_prompt_follows_from_the_completions_so_far() -> None:
    assert carry_on(two_steps(), []) == prompt("one")
    assert carry_on(two_steps(), [Completion("a")]) == prompt("two after a")


def test_the_outcome_comes_with_the_last_completion() -> None:
    assert carry_on(two_steps(), [Completion("a"), Completion("b")]) == Finished("a b")


def test_a_prompt_is_known_by_what_the_teacher_sees() -> None:
    assert prompt("one").digest == prompt("one").digest
    assert prompt("one").digest != prompt("two").digest
    other = Prompt("ask", "one", Decoding(max_tokens=9), "test@1")
    assert prompt("one").digest != other.digest
