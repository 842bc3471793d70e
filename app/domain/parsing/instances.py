"""Cuts the reply to the last step of Self-Instruct into (input, output) pairs."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.domain.language import Language
from app.domain.parsing.chatter import is_closing, is_opening
from app.domain.parsing.marks import MARKS, Marks
from app.domain.parsing.text import without_emphasis
from app.domain.records import Instance

_EXAMPLE = re.compile(r"Example\s?\d*\.?")
_OUTPUT = re.compile(r"Output\s*\d*\s*:")
_INPUT = re.compile(r"Input\s*\d*\s*:")
_LEADING_INPUT = re.compile(r"^Input\s*\d*\s*:")
_CLASS_LABEL = "Class label:"

_RULE = re.compile(r"\s*\n[ \t]*(?:-{3,}|\*{3,}|_{3,})[ \t]*\s*\Z")


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


def tolerant_pairs(reply: str, language: Language = Language.ENGLISH) -> Sequence[Instance]:
    """Read a reply to the input-first prompt whose marks stand at the start of a line, bold or not.

    The word Example inside a sentence splits nothing. A reply that opens by talking about itself
    loses that talk, and a farewell after a blank line too.
    """
    marks = MARKS[language]
    talk, text = _part_talk(reply.strip())
    if talk:
        text = _without_farewell(text)
    found = marks.example_line.split(text)
    if len(found) == 1:
        return [_tolerant_pair(text, marks)] if _has_output(text, marks) else []
    pieces = (_RULE.sub("", piece).strip() for piece in found)
    return [_tolerant_pair(piece, marks) for piece in pieces if piece]


def tolerant_labels(reply: str, language: Language = Language.ENGLISH) -> Sequence[Instance]:
    """Read a reply to the output-first prompt whose marks may be bold or differ in case.

    A mark of input after the label is taken off; every other name of a field stays.
    """
    marks = MARKS[language]
    talk, text = _part_talk(reply.strip())
    pieces = marks.label_line.split(_without_farewell(text) if talk else text)[1:]
    if not pieces:
        return published_labels(reply)
    plain = (marks.bold_label.sub(r"\1", marks.example_line.sub("", piece)) for piece in pieces)
    found = _labelled(_RULE.sub("", each) for each in plain)
    return [_plain_label(pair, marks, language) for pair in found]


def has_labels(reply: str, language: Language = Language.ENGLISH) -> bool:
    """Whether the reply has the form that the output-first prompt asks for."""
    return _CLASS_LABEL in reply or MARKS[language].label_line.search(reply) is not None


def _plain_label(pair: Instance, marks: Marks, language: Language) -> Instance:
    """The English prompt names a field of its own for every task, the Chinese one says input."""
    given = pair.input
    leading = marks.input_line.match(given) if language is Language.CHINESE else None
    given = given[leading.end() :].strip() if leading else given
    return replace(pair, input=given, output=without_emphasis(pair.output))


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


def _tolerant_pair(piece: str, marks: Marks) -> Instance:
    parts = (marks.output_line if marks.output_line.search(piece) else marks.output).split(piece)
    given, output = (parts[0].strip(), parts[1].strip()) if len(parts) > 1 else ("", piece.strip())
    leading = marks.input_line.match(given)
    given = given[leading.end() :].strip() if leading else marks.bold_label.sub(r"\1", given)
    return Instance(input=given, output=marks.input_line.split(output)[0].strip())


def _has_output(text: str, marks: Marks) -> bool:
    return marks.output_line.search(text) is not None or marks.output.search(text) is not None


def _part_talk(text: str) -> tuple[str, str]:
    """Part the opening line from the reply if it talks about the reply."""
    first, _, rest = text.partition("\n")
    return (first, rest.strip()) if is_opening(first) else ("", text)


def _without_farewell(text: str) -> str:
    head, blank, last = text.rpartition("\n\n")
    return head.rstrip() if blank and is_closing(last) else text
