"""Cuts the reply to the last step of Self-Instruct into (input, output) pairs."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.domain.parsing.chatter import is_closing, is_opening
from app.domain.parsing.text import without_emphasis
from app.domain.records import Instance

_EXAMPLE = re.compile(r"Example\s?\d*\.?")
_OUTPUT = re.compile(r"Output\s*\d*\s*:")
_INPUT = re.compile(r"Input\s*\d*\s*:")
_LEADING_INPUT = re.compile(r"^Input\s*\d*\s*:")
_CLASS_LABEL = "Class label:"

_BOLD = r"(?:\*\*|__)?"
_LINE = r"(?m)^[ \t]*(?:#{1,6}[ \t]*)?" + _BOLD
_EXAMPLE_LINE = re.compile(
    _LINE
    + r"Example(?:[ \t]*#?\d+(?:[ \t]*[.:)]|(?=[ \t]*(?:\*\*|__|\(|$)))"
    + r"|[ \t]*[.:]?[ \t]*(?=\*\*|__|$))[ \t]*"
    + _BOLD
    + r"[ \t]*[.:]?"
)
_OUTPUT_LINE = re.compile(_LINE + r"Output[ \t]*\d*[ \t]*" + _BOLD + r"[ \t]*:[ \t]*" + _BOLD)
_INPUT_LINE = re.compile(_LINE + r"Input[ \t]*\d*[ \t]*" + _BOLD + r"[ \t]*:[ \t]*" + _BOLD)
_BOLD_LABEL = re.compile(r"(?m)^[ \t]*\*\*([^*\n]{1,40}:)\*\*")
_RULE = re.compile(r"\s*\n[ \t]*(?:-{3,}|\*{3,}|_{3,})[ \t]*\s*\Z")
_CLASS_LABEL_LINE = re.compile(
    r"(?m)^[ \t]*(?:\d+[.)][ \t]*)?"
    + _BOLD
    + r"[Cc]lass [Ll]abel[ \t]*\d*[ \t]*"
    + _BOLD
    + r"[ \t]*:[ \t]*"
    + _BOLD
)


def published_pairs(reply: str) -> Sequence[Instance]:
    """Read a reply to the input-first prompt as Self-Instruct did.

    The word Example splits wherever it stands; without it one pair is read if there is an output
    mark. A piece without output mark is an output alone. Nothing without either mark.
    """
    text = reply.strip()
    if _EXAMPLE.search(text):
        pieces = [piece.strip() for piece in _EXAMPLE.split(text)]
        return [_published_pair(piece) for piece in pieces if piece]
    return [_published_pair(text)] if _OUTPUT.search(text) else []


def published_labels(reply: str) -> Sequence[Instance]:
    """Read a reply to the output-first prompt: after each mark, one line of label, then input."""
    return _labelled(reply.split(_CLASS_LABEL)[1:])


def tolerant_pairs(reply: str) -> Sequence[Instance]:
    """Read a reply to the input-first prompt whose marks stand at the start of a line, bold or not.

    The word Example inside a sentence splits nothing. A reply that opens by talking about itself
    loses that talk, and a farewell after a blank line too.
    """
    talk, text = _part_talk(reply.strip())
    if talk:
        text = _without_farewell(text)
    marks = _EXAMPLE_LINE.split(text)
    if len(marks) == 1:
        return [_tolerant_pair(text)] if _has_output(text) else []
    pieces = (_RULE.sub("", piece).strip() for piece in marks)
    return [_tolerant_pair(piece) for piece in pieces if piece]


def tolerant_labels(reply: str) -> Sequence[Instance]:
    """Read a reply to the output-first prompt whose marks may be bold or differ in case."""
    talk, text = _part_talk(reply.strip())
    pieces = _CLASS_LABEL_LINE.split(_without_farewell(text) if talk else text)[1:]
    if not pieces:
        return published_labels(reply)
    plain = (_BOLD_LABEL.sub(r"\1", _EXAMPLE_LINE.sub("", piece)) for piece in pieces)
    return [_plain_label(pair) for pair in _labelled(_RULE.sub("", each) for each in plain)]


def has_labels(reply: str) -> bool:
    """Whether the reply has the form that the output-first prompt asks for."""
    return _CLASS_LABEL in reply or _CLASS_LABEL_LINE.search(reply) is not None


def _plain_label(pair: Instance) -> Instance:
    return replace(pair, output=without_emphasis(pair.output))


def _labelled(pieces: Iterable[str]) -> Sequence[Instance]:
    pairs: list[Instance] = []
    for piece in pieces:
        label, _, rest = piece.strip().partition("\n")
        pairs.append(Instance(input=rest.strip(), output=label.strip()))
    return pairs


def _published_pair(piece: str) -> Instance:
    parts = _OUTPUT.split(piece)
    given, output = (parts[0].strip(), parts[1].strip()) if len(parts) > 1 else ("", piece.strip())
    output = _INPUT.split(output)[0].strip()
    return Instance(input=_LEADING_INPUT.sub("", given).strip(), output=output)


def _tolerant_pair(piece: str) -> Instance:
    parts = (_OUTPUT_LINE if _OUTPUT_LINE.search(piece) else _OUTPUT).split(piece)
    given, output = (parts[0].strip(), parts[1].strip()) if len(parts) > 1 else ("", piece.strip())
    leading = _INPUT_LINE.match(given)
    given = given[leading.end() :].strip() if leading else _BOLD_LABEL.sub(r"\1", given)
    return Instance(input=given, output=_INPUT_LINE.split(output)[0].strip())


def _has_output(text: str) -> bool:
    return _OUTPUT_LINE.search(text) is not None or _OUTPUT.search(text) is not None


def _part_talk(text: str) -> tuple[str, str]:
    """Part the opening line from the reply if it talks about the reply."""
    first, _, rest = text.partition("\n")
    return (first, rest.strip()) if is_opening(first) else ("", text)


def _without_farewell(text: str) -> str:
    head, blank, last = text.rpartition("\n\n")
    return head.rstrip() if blank and is_closing(last) else text
