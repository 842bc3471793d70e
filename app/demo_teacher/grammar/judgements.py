"""Short replies to prompts that ask for a verdict, in the form that the prompt names."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re

import orjson

from app.demo_teacher.grammar.speech import Speech
from app.demo_teacher.protocol import Prompt

EQUAL_SHARE = 0.15
MOST_SCORE = 100

_RANGE = re.compile(r"(\d+)\s*(?:to|-|–|至|到|and)\s*(\d+)")
_BEST = re.compile(r"Best: |最佳：")
_ANSWERS = re.compile(r"^(?:Answer|回答) \d+[:：]", re.MULTILINE)
_JSON_KEYS = re.compile(r"[\"']([A-Za-z_]+)[\"']\s*:")


def judge(speech: Speech, prompt: Prompt) -> str:
    """`Equal` or `Not Equal`, the best's number, `A` or `B`, a JSON object, or a score."""
    text = prompt.last
    if re.search(r"not equal", text, re.IGNORECASE):
        return "Equal" if speech.rng.random() < EQUAL_SHARE else "Not Equal"
    if _BEST.search(text):
        return f"Best: {speech.rng.randint(1, max(1, len(_ANSWERS.findall(text))))}"
    if "[[A]]" in text:
        return f"{speech.reason()} [[{speech.rng.choice('AB')}]]"
    score = _score(speech, text)
    if "json" in text.lower():
        return _object(speech, text, score)
    return f"Score: {score}\nReason: {speech.reason()}"


def _score(speech: Speech, text: str) -> int:
    found = _RANGE.search(text)
    low, high = (int(found[1]), int(found[2])) if found else (1, 5)
    if not low < high <= MOST_SCORE:
        low, high = 1, 5
    return max(speech.rng.randint(low, high) for _ in range(2))


def _object(speech: Speech, text: str, score: int) -> str:
    keys = _JSON_KEYS.findall(text) or ["score", "reason"]
    values = {key: score if "reason" not in key.lower() else speech.reason() for key in keys}
    return orjson.dumps(values).decode()
