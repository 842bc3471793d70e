"""Reads the reply to «Is it classification?»: yes, no, or neither."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re

from app.domain.parsing.text import collapsed

_PUBLISHED_YES = ("Yes", "yes", "YES")

_MARKUP = re.compile(r"[*_`#>\"\u201c\u201d]")
_ECHO = re.compile(
    r"(task: .{0,400}?)?(is (it|this|that)( a)? classification( task)?\s*\?"
    r"|(final )?answer:|verdict:|classification:|response:|output:)\s*",
    re.IGNORECASE,
)
_FIRST_WORD = re.compile(
    r"\W*(yes|yeah|yep|no|nope)\b(?!\s*/\s*no\b)(?!,? or no\b)(?! doubt\b)", re.IGNORECASE
)
_STATED = re.compile(
    r"\b(?:answer|verdict|conclusion)(?: (?:is|would be|should be))?\W{1,4}(yes|no)\b(?! doubt)",
    re.IGNORECASE,
)
_LAST_SENTENCE = re.compile(
    r"(?:[.:!?]\s*|\b(?:so|therefore|thus|hence),? )\W*(yes|no)\W*$", re.IGNORECASE
)
_DENIES = re.compile(
    r"\b(is|would|does|should|can|could)( not|n't)\b[^.?!]{0,50}\bclassif"
    r"|\bnot (a |an |really )*classification\b|\bnon-classification\b"
    r"|\brather than classification\b"
    r"|\b(does|do)( not|n't) (ask|require|involve|call|need)\b[^.?!]{0,60}\b(label|categor|class)",
    re.IGNORECASE,
)
_AFFIRMS = re.compile(
    r"^(this|it|the task|the given task|this task|that)\b[^.?!]{0,60}?\b(is|qualifies as|counts as"
    r"|falls under|represents|can be considered|would be considered|is considered)\b"
    r" (clearly |indeed )?(a |an )?([\w-]+ ){0,2}classification\b",
    re.IGNORECASE,
)

_CHINESE_ECHO = re.compile(
    r"(?:任务[：:].{0,400}?)?(?:这|它|该任务)?(?:是不是|是否(?:是|为|属于)?|是|属于|算不算)"
    r"(?:一个)?分类任务(?:吗)?\s*[？?]\s*|(?:最终)?(?:答案|回答|判断|结论|答)\s*(?:是|为)?\s*[：:]\s*"
)
_CHINESE_NO = re.compile(r"(?:否(?!则)|不是|不属于|不算|并非|不对|非分类|不(?=[，,。.！!\s]|$))")
_CHINESE_YES = re.compile(
    r"(?:是的|是(?=[，,。.！!；;\s]|$)|是(?:一个|一项|一道|典型的)?分类|对(?=[，,。.！!\s]|$)|对的"
    r"|属于(?:一个|一项)?(?:典型的)?分类|算(?:是)?(?:一个)?分类)"
)
_CHINESE_STATED = re.compile(
    r"(?:答案|结论|判断)(?:应该?)?(?:是|为)?\W{0,3}(不是|是|否)(?:$|[^\w])"
)
_CHINESE_DENIES = re.compile(
    r"(?:不是|不属于|不算|并非|而非|而不是|非)(?:一个|一项|一道|典型的|严格的|真正的)*分类"
    r"|没有(?:固定|明确|给出)?[^，。！？]{0,6}类别"
)
_CHINESE_AFFIRMS = re.compile(
    r"(?:这|它|该|此)[^，。！？]{0,30}(?:是|属于|算|算是)[^，。！？不非]{0,12}分类(?:任务|问题|题|$|[，。！])"
    r"|因此[^。！？不非]{0,12}(?:是|属于|算)[^，。！？不非]{0,8}分类"
)


def published_verdict(reply: str) -> bool:
    """Read as Self-Instruct did: anything but a bare Yes, yes or YES is a No, silence included."""
    return reply.strip() in _PUBLISHED_YES


def tolerant_verdict(reply: str) -> bool | None:
    """Read a chat model's words; None when they say neither, or nothing.

    The first word decides; failing that a stated answer, a last sentence of one word, or a plain
    statement that this is, or is not, a classification task. Chinese is read in the same order.
    """
    text = collapsed(_MARKUP.sub("", reply.replace("\u2019", "'")))
    echo = _ECHO.match(text)
    text = text[echo.end() :] if echo else text
    if first := _FIRST_WORD.match(text):
        return first[1].lower().startswith("y")
    if stated := _STATED.search(text) or _LAST_SENTENCE.search(text):
        return stated[1].lower() == "yes"
    if _DENIES.search(text):
        return False
    return True if _AFFIRMS.search(text) else _chinese_verdict(text)


def _chinese_verdict(text: str) -> bool | None:
    echo = _CHINESE_ECHO.match(text)
    text = (text[echo.end() :] if echo else text).lstrip("“”\"'（(【 ")
    if _CHINESE_NO.match(text):
        return False
    if _CHINESE_YES.match(text):
        return not _CHINESE_DENIES.search(text)
    if stated := _CHINESE_STATED.search(text):
        return stated[1] == "是"
    if _CHINESE_DENIES.search(text):
        return False
    return True if _CHINESE_AFFIRMS.search(text) else None
