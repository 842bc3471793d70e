"""Cuts the reply to Alpaca's one step into tasks: instruction, input and output, each numbered."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.parsing.text import (
    after_marks,
    collapsed,
    without_emphasis,
    without_fence,
)

BROKEN_TASK = "broken_task"

_PARTS = 7
_NUMBER = r"^[ \t]*(?:#{1,6}[ \t]*)?(?:\*\*|__)?(?:Task[ \t]+)?\d{1,4}[ \t]*[.):、．][ \t]*"
_END = r"[ \t]*(?:\*\*|__)?[ \t]*[:：](?:[ \t]*(?:\*\*|__)(?=\s|$))?"
_TASK = re.compile(
    rf"{_NUMBER}(?:\*\*|__)?(?:Instruction|指令){_END}", re.MULTILINE | re.IGNORECASE
)
_ANY_NUMBER = r"^[ \t]*(?:#{1,6}[ \t]*)?(?:\*\*|__)?(?:\d{1,4}[ \t]*[.):、．][ \t]*)?(?:\*\*|__)?"
_INPUT = re.compile(rf"{_ANY_NUMBER}(?:Input|输入){_END}", re.MULTILINE | re.IGNORECASE)
_OUTPUT = re.compile(rf"{_ANY_NUMBER}(?:Output|输出){_END}", re.MULTILINE | re.IGNORECASE)
_SEPARATOR = re.compile(r"(?:\s*^[ \t]*(?:#{2,}|-{3,}|\*{3,}|```)[ \t]*$)+\s*\Z", re.MULTILINE)
_NO_INPUT = re.compile(
    r"\W*(?:no[\s_-]?input(?: (?:is )?(?:needed|required|necessary|provided|given))?|none|n/?a"
    r"|not applicable|无(?:需)?输入|无)\W*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Triple:
    """One task of a reply; a broken one misses its output, or in the published reading any part."""

    instruction: str
    input: str
    output: str
    broken: bool = False


def published_triples(reply: str, first: int) -> Sequence[Triple]:
    """Read as Alpaca's released code did: cut at every ``###``, wherever it stands.

    The reply continues ``N. Instruction:`` of number `first`. A piece whose labels do not all carry
    the number that is expected by counting pieces is broken.
    """
    pieces = f"{first}. Instruction:{reply}".split("###")
    return [_published(piece, number) for number, piece in enumerate(pieces, first)]


def tolerant_triples(reply: str, first: int, label: str) -> Sequence[Triple]:
    """Read tasks by their labels at the start of a line, whatever their numbers are.

    ``###`` matters only where it stands alone before a label, so that outputs may hold headings. A
    reply that repeats the label of the prompt's last line is read like one that continues it.
    """
    text = without_fence(reply).strip("\n")
    text = text if _opens_itself(text) else f"{first}. {label}{text}"
    return [_tolerant(piece) for _, piece in after_marks(text, _TASK)]


def without_no_input(given: str) -> str:
    """An input, empty where it only says in its own way that there is none."""
    return "" if _NO_INPUT.fullmatch(given) else given


def _opens_itself(text: str) -> bool:
    """Whether the reply begins with a task of its own, and does not continue the prompt's line."""
    found = _TASK.search(text)
    if found is None:
        return False
    before = text[: found.start()]
    return not (_OUTPUT.search(before) or _INPUT.search(before))


def _published(piece: str, number: int) -> Triple:
    parts = re.split(rf"{number}\.\s+(Instruction|Input|Output):", piece)
    if len(parts) != _PARTS:
        return Triple(collapsed(piece), "", "", broken=True)
    given = parts[4].strip()
    return Triple(parts[2].strip(), "" if given.lower() == "<noinput>" else given, parts[6].strip())


def _tolerant(piece: str) -> Triple:
    """Read what follows an instruction's label up to the next one."""
    output_mark = _OUTPUT.search(piece)
    head = piece[: output_mark.start()] if output_mark else piece
    input_mark = _INPUT.search(head)
    instruction = collapsed(without_emphasis(head[: input_mark.start()] if input_mark else head))
    given = head[input_mark.end() :].strip() if input_mark else ""
    if output_mark is None:
        return Triple(instruction, given, "", broken=True)
    output = _SEPARATOR.sub("", piece[output_mark.end() :]).strip()
    return Triple(instruction, without_no_input(given), output)
