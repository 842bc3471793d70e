"""Short replies to prompts that ask for a verdict, in the form that the prompt names."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re

import orjson

from app.demo_teacher.draws import prompt_digest, unit
from app.demo_teacher.grammar.speech import Speech
from app.demo_teacher.protocol import Prompt

EQUAL_SHARE = 0.15
MOST_SCORE = 100

_RANGE = re.compile(r"(\d+)\s*(?:to|-|–|至|到|and)\s*(\d+)")
_SCALE = re.compile(r"(\d+)\s*[((][^()()]*[))]\s*(?:to|到)\s*(\d+)")
_CRITERIA = re.compile(r"^- ([^:\n]{1,40}?)(?::|$)", re.MULTILINE)
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


def grade(speech: Speech, prompt: Prompt) -> str:
    """A JSON object with a score under each criterion that the prompt lists, and a reason.

    How good an answer is depends on its own words, so that other samples of it are near; each
    criterion and each sample is a little off.
    """
    text = prompt.last
    low, high = _limits(text)
    names = _CRITERIA.findall(text.partition("<request>")[0]) or ["score"]
    merit = _merit(text)
    scores: dict[str, object] = {}
    for name in names:
        own = merit + 0.12 * (_merit(name + text) - 0.5) + speech.rng.gauss(0, 0.06)
        scores[name] = round(low + (high - low) * min(1.0, max(0.0, own)))
    return orjson.dumps({**scores, "reason": speech.reason()}).decode()


def reward(prompt: Prompt) -> str:
    """What a reward model served as a chat says: one number for the last answer."""
    return f"reward:{rewarded(prompt.text):.3f}"


def rewarded(text: str) -> float:
    """A reward in [-4, 4) that depends on nothing but the text."""
    return 8 * _merit(text) - 4


def _merit(text: str) -> float:
    """In [0, 1), more often high than low, as judges of real answers are; the same every time."""
    draw = unit(0, "merit", prompt_digest(text))
    return 1 - (1 - draw) ** 2


def _limits(text: str) -> tuple[int, int]:
    found = _SCALE.search(text) or _RANGE.search(text)
    low, high = (int(found[1]), int(found[2])) if found else (1, 5)
    return (low, high) if low < high <= MOST_SCORE else (1, 5)


def _score(speech: Speech, text: str) -> int:
    low, high = _limits(text)
    return max(speech.rng.randint(low, high) for _ in range(2))


def _object(speech: Speech, text: str, score: int) -> str:
    keys = _JSON_KEYS.findall(text) or ["score", "reason"]
    values = {key: score if "reason" not in key.lower() else speech.reason() for key in keys}
    return orjson.dumps(values).decode()
