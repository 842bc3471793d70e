"""Replies to the question whether a task is a classification task."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re

from app.demo_teacher.grammar.speech import Speech

UNCLEAR_SHARE = 0.08

_LOOKS_LIKE_IT = re.compile(
    r"\b(?:classif\w*|categor\w*|label each|sentiment|spam|true or false|yes or no|positive or|"
    r"whether|decide if|detect if|determine the tone|one of the following|which of the(?:se)?"
    r"|would find the sentence|identify if|is the following .* or|multiple.choice)\b"
    r"|分类|判断|是否|属于|类别|哪一类|的说法是",
    re.IGNORECASE,
)
_WORDY_YES = (
    "Yes, the task asks for one of a fixed set of labels.",
    "Yes. The output is one of a few given classes.",
    "Yes, this is a classification task.",
    "**Yes** - the possible labels are named in the task.",
)
_WORDY_NO = (
    "No, the task asks for a free text, not for a label.",
    "No. There is no fixed set of labels to choose from.",
    "No, this is not a classification task; the output is open.",
    "**No** - many different outputs would be right.",
)
_CHINESE_YES = (
    "是的，任务里写明了可选的类别。",
    "是。答案从少数几个类别中选。",
    "**是**，这是分类任务。",
)
_CHINESE_NO = (
    "不是，答案是一段自由的文字。",
    "否。没有固定的类别可选。",
    "不是分类任务，可以有许多种答案。",
)
_CHINESE_UNCLEAR = ("这要看怎样理解题目。", "任务说明中列出了几个标签。")
_UNCLEAR_YES = "The task description names its labels, so it is a classification task."
_UNCLEAR_NO = "To determine if this is classification one looks for labels; there are none."


def looks_like_classification(task: str) -> bool:
    """Whether the words of a task speak of labels or of a choice."""
    return _LOOKS_LIKE_IT.search(task) is not None


def classify(speech: Speech, task: str, *, wordy_rate: float, chinese: bool) -> str:
    """` Yes` or ` No`; a share of sentences as chat models write them, some without either word.

    In Chinese ` 是` or ` 否`, and the like.
    """
    is_one = looks_like_classification(task)
    if speech.rng.random() >= wordy_rate:
        short = (" 否", " 是") if chinese else (" No", " Yes")
        return short[is_one]
    if speech.rng.random() < UNCLEAR_SHARE:
        unclear = _CHINESE_UNCLEAR if chinese else (_UNCLEAR_NO, _UNCLEAR_YES)
        return unclear[is_one]
    wordy = (_CHINESE_NO, _CHINESE_YES) if chinese else (_WORDY_NO, _WORDY_YES)
    return speech.rng.choice(wordy[is_one])
