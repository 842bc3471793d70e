"""Replies to prompts that show a passage: what to ask of it, and its own sentences as answers."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re
from collections.abc import Sequence

from app.demo_teacher.grammar.speech import Speech
from app.demo_teacher.protocol import Prompt

SILENT_SHARE = 0.08
UNSUPPORTED_SHARE = 0.1
USUAL_COUNT = 3
_PASSAGE = re.compile(r"<passage>\n(.*?)\n</passage>", re.DOTALL)
_REQUEST = re.compile(r"^(?:Request: |请求：)(.+)\Z", re.MULTILINE | re.DOTALL)
_COUNT = re.compile(r"\b(\d{1,2}) different\b|写出 (\d{1,2}) 条")
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s*|\n+")
_ENGLISH = (
    "What should one know about {}?",
    "Explain in your own words: {}.",
    "Why does {} matter?",
)
_CHINESE = ("关于{}，应当知道什么？", "请用自己的话解释{}。", "为什么{}很重要？")
_ENGLISH_WORDS, _CHINESE_CHARACTERS = 7, 14


def ask_about(speech: Speech, prompt: Prompt, *, chinese: bool) -> str:
    """A numbered list of questions, each about the beginning of a sentence of the passage."""
    sentences = _sentences(prompt.text)
    if not sentences:
        return _silence(chinese)
    told = _COUNT.search(prompt.text)
    count = int(told[1] or told[2]) if told else USUAL_COUNT
    asked = speech.rng.sample(sentences, min(count, len(sentences)))
    frames = _CHINESE if chinese else _ENGLISH
    questions = [speech.rng.choice(frames).format(_topic(each, chinese)) for each in asked]
    return "\n".join(f"{number}. {each}" for number, each in enumerate(questions, 1))


def answer_from(speech: Speech, prompt: Prompt, *, chinese: bool) -> str:
    """The sentence of the passage that the request is about; now and then that there is none."""
    request = _REQUEST.search(prompt.text)
    words = set(_words(request[1] if request else ""))
    sentences = _sentences(prompt.text)
    if not sentences or speech.rng.random() < SILENT_SHARE:
        return _silence(chinese)
    return max(sentences, key=lambda each: len(words & set(_words(each))))


def bear_out(speech: Speech, *, chinese: bool) -> str:
    """Yes, now and then No."""
    if speech.rng.random() < UNSUPPORTED_SHARE:
        return "否" if chinese else "No"
    return "是" if chinese else "Yes"


def _sentences(text: str) -> Sequence[str]:
    found = _PASSAGE.search(text)
    parts = _SENTENCE.split(found[1]) if found else []
    return [part.strip() for part in parts if len(_words(part)) > 2]


def _words(text: str) -> list[str]:
    return re.findall(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+", text.lower())


def _topic(sentence: str, chinese: bool) -> str:
    bare = sentence.strip("#-*>.!?。！？ ")
    if chinese:
        return bare[:_CHINESE_CHARACTERS]
    return " ".join(bare.split()[:_ENGLISH_WORDS])


def _silence(chinese: bool) -> str:
    return "[无法回答]" if chinese else "[NO ANSWER]"
