"""Which step of a method a prompt is for: the client's word for it, else a guess from its text."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re
from enum import StrEnum

from app.demo_teacher.protocol import Prompt


class Step(StrEnum):
    """The kinds of reply the teacher knows how to give."""

    PROPOSE = "propose"
    CLASSIFY = "classify"
    ANSWER = "answer"
    BLOCKS = "blocks"
    DIALOGUE = "dialogue"
    EVOLVE = "evolve"
    JUDGE = "judge"
    RUBRIC = "rubric"
    REWARD = "reward"
    CHAT_TURN = "chat_turn"
    USER_TURN = "user_turn"
    PREQUERY = "prequery"
    QUESTIONS = "questions"
    PASSAGE_QUESTIONS = "passage_questions"
    PASSAGE_ANSWER = "passage_answer"
    PASSAGE_CHECK = "passage_check"


_BEHIND_PASSAGE = re.compile(r"<passage>\n.*\n</passage>(.*)\Z", re.DOTALL)
_REQUEST = re.compile(r"^(?:Request: |请求：)", re.MULTILINE)
_ANSWER = re.compile(r"^(?:Answer: |回答：)", re.MULTILINE)
STEP_HEADER = b"x-cultivar-step"

_BARE_NUMBER = re.compile(r"(?:^|\n)[ \t]*(?:(?:Task|Instruction|任务|指令) ?)?\d+[.):：、][ \t]*$")
_BLOCK = re.compile(r"^[ \t]*\d+\.[ \t]*(?:Instruction|指令)[ \t]*[:：]", re.MULTILINE)
_NUMBERED = re.compile(r"^[ \t]*\d+[.)、][ \t]*\S", re.MULTILINE)
_MORE = re.compile(
    r"\b(?:more|new|another|continue|come up|write|generate|propose|list)\b"
    r"|继续|更多|新的|写出|列出",
    re.IGNORECASE,
)
_CLASSIFY_TAIL = re.compile(r"classif|categor|分类", re.IGNORECASE)
_EVOLVE = re.compile(
    r"#[^#\n]*prompt[^#\n]*#|\b(?:rewrite|rewriting|evolve|make (?:it|the \w+) (?:harder|more))\b"
    r"|改写|更难|更复杂",
    re.IGNORECASE,
)
_JUDGE = re.compile(
    r"not equal|equal or|\bjudge\b|\bscore\b|\brate\b|\brating\b|\bevaluat|评分|打分|评判|是否相同",
    re.IGNORECASE,
)
_INSTANCE = re.compile(r"^(?:Class label|Output|输出|类别)[ \t]*[:：]", re.MULTILINE)
_TAIL_CHARACTERS = 400


def step_of(header: str | None, prompt: Prompt) -> tuple[str, Step]:
    """The step's name (the header's, else the guess) and the kind of reply to give.

    The same step looks different from method to method: a `propose` prompt may be a numbered
    list, `###` blocks, a transcript or a rewriting, so its text decides which.
    """
    passage = _BEHIND_PASSAGE.search(prompt.text)
    if passage is not None:
        step = _about_passage(passage[1])
        return header or step.value, step
    if header is None:
        step = _guess(prompt)
        return step.value, step
    match header:
        case "propose":
            return header, _shape(prompt) or Step.PROPOSE
        case "answer":
            return header, _answer_shape(prompt)
        case _:
            known = header in Step.__members__.values()
            return header, Step(header) if known else _guess(prompt)


def _about_passage(text: str) -> Step:
    """What is wanted of a passage, by what stands behind it."""
    if not _REQUEST.search(text):
        return Step.PASSAGE_QUESTIONS
    return Step.PASSAGE_CHECK if _ANSWER.search(text) else Step.PASSAGE_ANSWER


def _shape(prompt: Prompt) -> Step | None:
    """A shape that only one kind of prompt has."""
    text = prompt.text
    if ("###" in text or "指令" in text) and _BLOCK.search(text):
        return Step.BLOCKS
    if _BARE_NUMBER.search(text[-40:]):
        return Step.PROPOSE
    if "[Human]" in text or "[AI]" in text:
        return Step.DIALOGUE
    if len(_NUMBERED.findall(text)) >= 2 and _MORE.search(text):
        return Step.PROPOSE
    if _EVOLVE.search(text):
        return Step.EVOLVE
    return None


def _answer_shape(prompt: Prompt) -> Step:
    if "[Human]" in prompt.text or "[AI]" in prompt.text:
        return Step.DIALOGUE
    return Step.ANSWER if _INSTANCE.search(prompt.text) else Step.CHAT_TURN


def _guess(prompt: Prompt) -> Step:
    text = prompt.text
    tail = text[-_TAIL_CHARACTERS:].rstrip()
    if _BARE_NUMBER.search(tail[-40:]) and not _BLOCK.search(text):
        return Step.PROPOSE
    if _CLASSIFY_TAIL.search(tail) and tail.endswith(("?", "？", "Answer:", "答案：", "答：")):
        return Step.CLASSIFY
    if _INSTANCE.search(text):
        return Step.ANSWER
    shaped = _shape(prompt)
    if shaped is not None:
        return shaped
    return Step.JUDGE if _JUDGE.search(text) else Step.CHAT_TURN
