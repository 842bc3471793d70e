"""Turns a teacher's replies into candidates, verdicts and instances, every drop with its reason."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import assert_never

from app.domain.filter import InstructionFilter, instruction_reasons
from app.domain.language import Language
from app.domain.method import Completion
from app.domain.parsing.instances import (
    has_labels,
    published_labels,
    published_pairs,
    tolerant_labels,
    tolerant_pairs,
)
from app.domain.parsing.instruction_list import published_items, tolerant_items
from app.domain.parsing.text import without_thoughts
from app.domain.parsing.verdict import published_verdict, tolerant_verdict
from app.domain.records import Candidate, Instance

CUT_BY_LENGTH = "cut_by_length"
CHATTER = "chatter"
NO_INSTANCES = "no_instances"


class Reading(StrEnum):
    """How replies are read: as the released code did, to the letter, or as chat models write."""

    PUBLISHED = "published"
    TOLERANT = "tolerant"


class Casing(StrEnum):
    """What becomes of an instruction's letters; Python's `capitalize` lowers all but the first."""

    CAPITALIZE = "capitalize"
    KEEP = "keep"


class CutReply(StrEnum):
    """What is dropped of a list that ended because the reply grew too long."""

    DROP_ALL = "drop_all"
    DROP_LAST = "drop_last"


def read_candidates(
    completion: Completion,
    filters: Sequence[InstructionFilter],
    *,
    reading: Reading,
    casing: Casing,
    cut_reply: CutReply,
) -> tuple[Candidate, ...]:
    """Return one candidate for every piece of a continued list, in order, at least one.

    Reasons are in the order in which they are asked: cut, chatter, then the filters.
    """
    match reading:
        case Reading.PUBLISHED:
            items = published_items(completion.text)
        case Reading.TOLERANT:
            items = tolerant_items(without_thoughts(completion.text))
        case _:
            assert_never(reading)
    candidates: list[Candidate] = []
    for left, item in zip(reversed(range(len(items))), items, strict=True):
        text = item.text.capitalize() if casing is Casing.CAPITALIZE else item.text
        cut = _is_cut(completion) and (left == 0 or cut_reply is CutReply.DROP_ALL)
        reasons = (CUT_BY_LENGTH,) * cut + (CHATTER,) * item.chatter
        candidates.append(Candidate(text, None, reasons + instruction_reasons(text, filters)))
    return tuple(candidates)


def read_verdict(completion: Completion, reading: Reading) -> bool | None:
    """Return whether the reply says that the task is classification; None when it does not say."""
    match reading:
        case Reading.PUBLISHED:
            return published_verdict(completion.text)
        case Reading.TOLERANT:
            return tolerant_verdict(without_thoughts(completion.text))
        case _:
            assert_never(reading)


def read_instances(
    completion: Completion,
    reading: Reading,
    *,
    is_classification: bool | None,
    language: Language = Language.ENGLISH,
) -> tuple[Instance, ...]:
    """Return the pairs of a reply, in order; the last is marked cut if the reply was too long.

    A reply in which nothing is found gives one empty, dropped instance, so that it is counted.
    Only English has a published reading; the marks of other languages are read tolerantly.
    """
    match reading if language is Language.ENGLISH else Reading.TOLERANT:
        case Reading.PUBLISHED:
            read = published_labels if is_classification else published_pairs
            pairs = read(completion.text)
        case Reading.TOLERANT:
            text = without_thoughts(completion.text)
            pairs = _either_form(text, is_classification, language)
        case _:
            assert_never(reading)
    if not pairs:
        return (Instance("", "", (NO_INSTANCES,)),)
    if not _is_cut(completion):
        return tuple(pairs)
    return (*pairs[:-1], replace(pairs[-1], reasons=(CUT_BY_LENGTH,)))


def _either_form(
    text: str, is_classification: bool | None, language: Language
) -> Sequence[Instance]:
    """Read the form that was asked for, or else the other one."""
    labels_first = has_labels(text, language) if is_classification is None else is_classification
    if labels_first:
        return tolerant_labels(text, language) or tolerant_pairs(text, language)
    return tolerant_pairs(text, language) or tolerant_labels(text, language)


def _is_cut(completion: Completion) -> bool:
    return completion.finish_reason == "length"
