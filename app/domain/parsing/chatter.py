"""Tells what a chat model says about its answer from the answer itself."""

import re

from app.domain.parsing.chinese_chatter import (
    is_chinese_closing,
    is_chinese_opening,
    speaks_of_list_in_chinese,
    split_chinese_assent,
)

_ASSENT = re.compile(
    r"(sure|certainly|of course|absolutely|definitely|okay|ok|alright|all right|great|got it"
    r"|no problem|understood|thanks|thank you|gladly|happy to help)\b( thing)?"
    r"\s*([,!.:;\u2013\u2014]|- |here\b|i\b)",
    re.IGNORECASE,
)
_ABOUT_ITSELF = re.compile(
    r"(i\b|we\b|here|below|these|this|let|happy|glad|the (following|next|list)|as requested|more"
    r"|additional|continuing|\d)",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"(i('m| am) (very )?sorry|sorry,|i apologi[sz]e|unfortunately, i|as an ai\b"
    r"|i (can't|cannot|can not|won't) (help|assist|comply|continue|provide))",
    re.IGNORECASE,
)
_ANNOUNCEMENT = re.compile(
    r"(here (are|is)|here's|below (are|is)|these are|the following (are|is)|continuing"
    r"|i('ve| have) (written|added|prepared|come|made|created|continued)"
    r"|i('ll| will) (continue|add)"
    r"|let me|let's|additional|more|next|as requested|(new |more |additional )?tasks\b)",
    re.IGNORECASE,
)
_LIST_WORD = re.compile(
    r"\b(tasks|instructions|prompts|ideas|suggestions|examples|series|continuation|continued"
    r"|continuing|additional|more|the ([\w-]+ )?list|your list)\b",
    re.IGNORECASE,
)
_SPEAKS_OF_LIST = re.compile(
    r"\b(tasks|instructions|prompts|collection|series|more|any further|you'd"
    r"|you (would|want|need))\b",
    re.IGNORECASE,
)
_GOODBYE = re.compile(
    r"(please )?(let me know\b.*\b(if|whether|any|more|further|you)\b"
    r"|feel free to (ask|reach|let|adjust|modify|use|tell)|i hope (this|these|that)\b"
    r"|hope (this|these|that)\b|would you like (me|more|any|additional|further)\b"
    r"|(do you )?want me to\b|if you('d| would| want| need)\b.*\b(more|further|additional|me)\b"
    r"|is there anything else|these (\w+ ){0,2}(tasks|instructions|examples) "
    r"|(this|the above) (list|series) |happy to (help|provide)|note: "
    r"|i can (also )?(provide|continue|generate|add) |shall i |end of (the )?list)",
    re.IGNORECASE,
)


def split_assent(line: str) -> tuple[str, str]:
    """Part ``Sure! Write a poem.`` into the assent and the task; the latter may be empty."""
    found = _ASSENT.match(_straight(line))
    if not found:
        return split_chinese_assent(line)
    end = len(line) - len(line.lstrip()) + found.end(3)
    rest = line[end:].strip()
    talks = not found[3].strip(",!.:;\u2013\u2014-") and not _ABOUT_ITSELF.match(_straight(rest))
    return (line[:end].strip(), rest) if talks and rest else (line, "")


def is_about_list(paragraph: str) -> bool:
    """Whether a paragraph after the list speaks of the list: of tasks, of more, of the reader."""
    speaks = _SPEAKS_OF_LIST.search(paragraph) is not None
    return speaks or is_closing(paragraph) or speaks_of_list_in_chinese(paragraph)


def is_opening(line: str) -> bool:
    """Whether a line before the list talks about it: assents, refuses or announces."""
    line = _straight(line)
    if _ASSENT.match(line) or _REFUSAL.match(line) or is_chinese_opening(line):
        return True
    announces = _ANNOUNCEMENT.match(line) and _LIST_WORD.search(line)
    return bool(announces) and line.rstrip("*_ ").endswith((":", "\u2026", "..."))


def is_closing(line: str) -> bool:
    """Whether a line after the list talks to the reader: offers, hopes, sums up."""
    return bool(_GOODBYE.match(_straight(line))) or is_chinese_closing(line)


def _straight(line: str) -> str:
    return line.strip().replace("\u2019", "'")
