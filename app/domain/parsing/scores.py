"""Reads what a judge replies: a score under every criterion, or nothing."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import cast

from app.domain.judging import MOST_CRITERIA, REWARD
from app.domain.parsing.text import without_fence, without_thoughts

# Each try may read to the end of the reply, so a reply of braces alone must not have many.
_BRACES_TRIED = 20
_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_NAME = re.compile(r"[\w -]{1,40}", re.ASCII)
_BARE = re.compile(rf"\s*({_NUMBER})\s*")
_PAIR = re.compile(rf"([A-Za-z_][\w -]{{0,39}}?)\s*[:=]\s*({_NUMBER})(?![\w.])")
_OUT_OF = re.compile(rf"({_NUMBER})\s*(?:/|out of)\s*\d+")


def read_scores(
    reply: str, names: Sequence[str], lowest: int, highest: int
) -> Mapping[str, float] | None:
    """The score of every criterion; None unless each is there once and on the scale.

    A JSON object first, alone, fenced or among other words; then lines such as ``clarity: 4/5``.
    A score that is on no scale is not bent to fit: the whole reply counts as unread.
    """
    text = without_fence(without_thoughts(reply))
    found = _from_object(text, names)
    if found is None:
        found = _from_lines(text, names)
    if found is None or not all(lowest <= value <= highest for value in found.values()):
        return None
    return found


def read_rewards(reply: str) -> Mapping[str, float] | None:
    """What a reward model replies: a bare number, ``name:number`` pairs, or an object of them."""
    text = without_fence(without_thoughts(reply))
    if bare := _BARE.fullmatch(text):
        return _finite({REWARD: float(bare[1])})
    members = _object(text) or {}
    found = {
        name: float(cast(float, value))
        for name, value in members.items()
        if _is_number(value) and _NAME.fullmatch(name)
    } or {name.strip(): float(number) for name, number in _PAIR.findall(text)}
    return _finite(found) if 0 < len(found) <= MOST_CRITERIA else None


def _finite(found: Mapping[str, float]) -> Mapping[str, float] | None:
    return found if all(map(math.isfinite, found.values())) else None


def _from_object(text: str, names: Sequence[str]) -> Mapping[str, float] | None:
    members = _object(text)
    if members is None:
        return None
    nested = members.get("scores")
    if isinstance(nested, dict):
        members = cast("Mapping[str, object]", nested)
    by_name = {name.strip().lower(): value for name, value in members.items()}
    found = {name: _score(by_name.get(name.lower())) for name in names}
    return _all(found)


def _score(value: object) -> float | None:
    """A number, a text that is one, or an object that holds it as its score."""
    if isinstance(value, dict):
        value = cast("Mapping[str, object]", value).get("score")
    if isinstance(value, str):
        number = _OUT_OF.fullmatch(value.strip()) or _BARE.fullmatch(value)
        return float(number[1]) if number else None
    return float(cast(float, value)) if _is_number(value) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _from_lines(text: str, names: Sequence[str]) -> Mapping[str, float] | None:
    """Each criterion at the beginning of a line, its score behind it; named twice is not clear."""
    found: dict[str, float | None] = {}
    for name in names:
        line = re.compile(
            rf"^[\s>*_#\-•\d.)]*{re.escape(name)}[\s*_]*[:：=\-–][\s*_]*({_NUMBER})"
            r"(?:\s*(?:/|out of)\s*\d+)?(?![\w])",
            re.IGNORECASE | re.MULTILINE,
        )
        said = {float(each) for each in line.findall(text)}
        found[name] = said.pop() if len(said) == 1 else None
    return _all(found)


def _all(found: Mapping[str, float | None]) -> Mapping[str, float] | None:
    known = {name: value for name, value in found.items() if value is not None}
    return known if len(known) == len(found) else None


def _object(text: str) -> Mapping[str, object] | None:
    """The first JSON object of a text, whatever stands around it."""
    decoder = json.JSONDecoder()
    for brace in islice(re.finditer(r"\{", text), _BRACES_TRIED):
        try:
            value, _ = decoder.raw_decode(text, brace.start())
        except (ValueError, RecursionError):
            continue
        return cast("Mapping[str, object]", value)
    return None
