"""How a reply is cut into (input, output): the published rules, then the tolerant."""

import pytest

from app.domain.parsing.instances import (
    has_labels,
    published_labels,
    published_pairs,
    tolerant_labels,
    tolerant_pairs,
)
from app.domain.records import Instance

Pairs = list[tuple[str, str]]


def pairs(instances: object) -> Pairs:
    assert isinstance(instances, list)
    return [(each.input, each.output) for each in instances if isinstance(each, Instance)]


PUBLISHED: list[tuple[str, Pairs]] = [
    (
        "Example 1\nList: a\nOutput: b\nExample 2\nList: c\nOutput: d",
        [("List: a", "b"), ("List: c", "d")],
    ),
    ("Example\nText: a\nOutput: b", [("Text: a", "b")]),
    ("Example 1.\nText: a\nOutput: b", [("Text: a", "b")]),
    ("Example1 Text: a Output: b", [("Text: a", "b")]),
    ("Example 1: a\nOutput: b", [(": a", "b")]),
    ("Text before.\nExample 1\nText: a\nOutput: b", [("", "Text before."), ("Text: a", "b")]),
    ("Input: x\nOutput: y\nExample 2\nInput: a\nOutput: b", [("x", "y"), ("a", "b")]),
    ("Example 1\nroses\nExample 2\nviolets", [("", "roses"), ("", "violets")]),
    ("Example 1\n\nExample 2\nText: a\nOutput: b", [("Text: a", "b")]),
    ("Example 1\n", []),
    ("Output: y", [("", "y")]),
    ("Text: a\nOutput: y", [("Text: a", "y")]),
    ("Input: a\nOutput: y", [("a", "y")]),
    ("Input 1: a\nOutput 1: y\nInput 2: b\nOutput 2: z", [("a", "y")]),
    ("Output 1: y\nOutput 2: z\nOutput 3: w", [("", "y")]),
    ("Output  12 : y", [("", "y")]),
    ("Output: y\nInput : z", [("", "y")]),
    ("Example 1\nsaid so. Input: z", [("", "said so.")]),
    ("Example 1\nInput: a", [("", "")]),
    ("Example 1\nText: a\nOutput:", [("Text: a", "")]),
    ("Output: Take an Example of it.", [("", "Take an"), ("", "of it.")]),
    ("Output: many Examples", [("", "many"), ("", "s")]),
    ("output: y", []),
    ("just an answer", []),
    ("", []),
]


@pytest.mark.parametrize(("reply", "expected"), PUBLISHED)
def test_published_pairs(reply: str, expected: Pairs) -> None:
    assert pairs(published_pairs(reply)) == expected


PUBLISHED_LABELS: list[tuple[str, Pairs]] = [
    ("Class label: A\nText: x\nClass label: B\nText: y", [("Text: x", "A"), ("Text: y", "B")]),
    ("Class label:\nA\nText: x\nmore", [("Text: x\nmore", "A")]),
    ("Class label: A", [("", "A")]),
    ("Class label: A\n\n\nText: x\n", [("Text: x", "A")]),
    ("Class label: A Class label: B", [("", "A"), ("", "B")]),
    ("lead\nClass label: A\nText: x", [("Text: x", "A")]),
    ("Class label:", [("", "")]),
    ("Class Label: A\nText: x", []),
    ("class label: A", []),
    ("", []),
]


@pytest.mark.parametrize(("reply", "expected"), PUBLISHED_LABELS)
def test_published_labels(reply: str, expected: Pairs) -> None:
    assert pairs(published_labels(reply)) == expected


TOLERANT: list[tuple[str, Pairs]] = [
    (
        "Example 1\nList: a\nOutput: b\nExample 2\nList: c\nOutput: d",
        [("List: a", "b"), ("List: c", "d")],
    ),
    (
        "**Example 1**\n**Input:** a\n**Output:** b\n\n---\n\n**Example 2:**\nInput: c\nOutput: d",
        [("a", "b"), ("c", "d")],
    ),
    ("### Example 1:\n**List:** a\nOutput:\nb", [("List: a", "b")]),
    ("Sure! Here are two examples:\n\nExample 1\nInput: a\nOutput: b", [("a", "b")]),
    ("Sure! Here it is:\n\nOutput: b\n\nLet me know if you need more!", [("", "b")]),
    (
        "Output: Dear Ana,\n\nPlease let me know if you can come.",
        [("", "Dear Ana,\n\nPlease let me know if you can come.")],
    ),
    (
        "Output: Take an Example of it. Example: a dog.",
        [("", "Take an Example of it. Example: a dog.")],
    ),
    ("Output: fill in User Input: twice", [("", "fill in User Input: twice")]),
    ("Example 1\nText: x Output: y", [("Text: x", "y")]),
    ("Example 1\nroses\nExample 2\nviolets", [("", "roses"), ("", "violets")]),
    ("Output 1: y\nOutput 2: z", [("", "y")]),
    ("just an answer", []),
    ("", []),
]


@pytest.mark.parametrize(("reply", "expected"), TOLERANT)
def test_tolerant_pairs(reply: str, expected: Pairs) -> None:
    assert pairs(tolerant_pairs(reply)) == expected


TOLERANT_LABELS: list[tuple[str, Pairs]] = [
    ("Class label: A\nText: x\nClass label: B\nText: y", [("Text: x", "A"), ("Text: y", "B")]),
    (
        "**Class label:** **A**\n**Text:** x\n\n**Class Label:** B\nText: y",
        [("Text: x", "A"), ("Text: y", "B")],
    ),
    (
        "Sure, as asked:\nExample 1\nClass label: A\nText: x\n\nExample 2\nClass label: B\nText: y",
        [("Text: x", "A"), ("Text: y", "B")],
    ),
    (
        "1. Class label: A\nText: x\n2. Class label: B\nText: y",
        [("Text: x", "A"), ("Text: y", "B")],
    ),
    ("Class label: **A**\nText: x", [("Text: x", "A")]),
    ("The label. Class label: A", [("", "A")]),
    ("nothing of the kind", []),
]


@pytest.mark.parametrize(("reply", "expected"), TOLERANT_LABELS)
def test_tolerant_labels(reply: str, expected: Pairs) -> None:
    assert pairs(tolerant_labels(reply)) == expected
    assert has_labels(reply) == bool(expected)
