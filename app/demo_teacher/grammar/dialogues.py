"""Replies to self-chat prompts: a transcript, its next turn, or questions with their answers."""

import re

from app.demo_teacher.grammar.speech import Speech
from app.demo_teacher.protocol import Prompt
from app.demo_teacher.reading import last_task

FEWEST_ROUNDS, MOST_ROUNDS = 2, 5
LAST_WORD_SHARE = 0.25
_TOPIC = re.compile(r"[\"“「'](.{4,300}?)[\"”」']")
_LAST_MARK = re.compile(r"\[(Human|AI)\](?!.*\[(?:Human|AI)\])", re.DOTALL)


def talk(speech: Speech, prompt: Prompt) -> str:
    """What comes next in a transcript of `[Human]` and `[AI]` lines.

    An open `[Human]` or `[AI]` at the end gets its text and then the talk goes on (a client stops
    it with `[AI]` or `[Human]`); a transcript that ends otherwise goes on with `[Human]`.
    """
    text = prompt.text.rstrip()
    found = _TOPIC.search(text)
    topic = found[1] if found else last_task(prompt)
    mark = _LAST_MARK.search(text)
    is_open = mark is not None and text.endswith("]")
    whose_turn = mark[1] if mark and is_open else "Human"
    turns: list[str] = []
    for _ in range(speech.rng.randint(FEWEST_ROUNDS, MOST_ROUNDS)):
        if whose_turn == "Human":
            turns.append(f"[Human] {speech.question(topic)}")
        turns.append(f"[AI] {speech.answer(topic)}")
        whose_turn = "Human"
    transcript = "\n".join(turns)
    return transcript[transcript.index("]") + 1 :] if is_open else transcript


def ask_on(speech: Speech, prompt: Prompt) -> str:
    """A person's next message, or, now and then once there was an exchange, `[END]` alone."""
    found = _TOPIC.search(prompt.text)
    begun = "[AI] " in prompt.text
    if begun and speech.rng.random() < LAST_WORD_SHARE:
        return "[END]"
    return speech.question(found[1] if found else last_task(prompt))


def questions_and_answers(speech: Speech, prompt: Prompt, *, chinese: bool) -> str:
    """Two to four questions, each with its answer under labels of the prompt's language."""
    question, answer = ("问题", "回答") if chinese else ("Question", "Answer")
    topic = last_task(prompt)
    return "\n\n".join(
        f"{question}: {speech.question(topic)}\n{answer}: {speech.answer(topic)}"
        for _ in range(speech.rng.randint(2, 4))
    )
