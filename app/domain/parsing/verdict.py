"""Reads the reply to «Is it classification?»: yes, no, or neither."""

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


def published_verdict(reply: str) -> bool:
    """Read as Self-Instruct did: anything but a bare Yes, yes or YES is a No, silence included."""
    return reply.strip() in _PUBLISHED_YES


def tolerant_verdict(reply: str) -> bool | None:
    """Read a chat model's words; None when they say neither, or nothing.

    The first word decides; failing that a stated answer, a last sentence of one word, or a plain
    statement that this is, or is not, a classification task.
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
    return True if _AFFIRMS.search(text) else None
