"""Cuts the reply to the last step of Self-Instruct into (input, output) pairs."""

import re
from collections.abc import Iterable, Sequence

from app.domain.parsing.chatter import is_opening
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
_CLASS_LABEL_LINE = re.compile(
    _LINE + r"[Cc]lass [Ll]abel[ \t]*\d*[ \t]*" + _BOLD + r"[ \t]*:[ \t]*" + _BOLD
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

    The word Example inside a sentence splits nothing, and talk before the first mark is left out.
    """
    text = reply.strip()
    marks = _EXAMPLE_LINE.split(text)
    if len(marks) == 1:
        return [_tolerant_pair(text)] if _has_output(text) else []
    head, *pieces = (piece.strip() for piece in marks)
    if head and _is_pair(head):
        pieces.insert(0, head)
    return [_tolerant_pair(piece) for piece in pieces if piece]


def tolerant_labels(reply: str) -> Sequence[Instance]:
    """Read a reply to the output-first prompt whose marks may be bold or differ in case."""
    pieces = _CLASS_LABEL_LINE.split(reply)[1:]
    if not pieces:
        return published_labels(reply)
    return _labelled(_EXAMPLE_LINE.sub("", piece) for piece in pieces)


def has_labels(reply: str) -> bool:
    """Whether the reply has the form that the output-first prompt asks for."""
    return _CLASS_LABEL in reply or _CLASS_LABEL_LINE.search(reply) is not None


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
    kept = _INPUT_LINE.split(output)[0].strip()
    leading = _INPUT_LINE.match(given)
    return Instance(input=given[leading.end() :].strip() if leading else given, output=kept)


def _has_output(text: str) -> bool:
    return _OUTPUT_LINE.search(text) is not None or _OUTPUT.search(text) is not None


def _is_pair(head: str) -> bool:
    """Whether text before the first Example is an instance and not an announcement."""
    return _has_output(head) or not (is_opening(head.splitlines()[0]) or head.endswith(":"))
