"""Options are described once and checked with every problem named."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest

from app.domain.options import (
    option,
    option_fields,
    options_as_dict,
    options_schema,
    parse_options,
)


class Mood(StrEnum):
    CALM = "calm"
    BOLD = "bold"


@dataclass(frozen=True, kw_only=True)
class Sample:
    share: float = option(0.5, "a share", minimum=0, maximum=1)
    count: int = option(3, "how many", minimum=1)
    quick: bool = option(False, "hurry")
    mood: Mood = option(Mood.CALM, "how")
    words: tuple[str, ...] = option(("a",), "which")
    label: str | None = option(None, "a name")


def test_values_come_back_as_their_types() -> None:
    given = {"share": 1, "mood": "bold", "words": ["x", "y"], "label": "z", "quick": True}
    parsed, problems = parse_options(Sample, given)
    assert problems == ()
    assert parsed == Sample(share=1.0, mood=Mood.BOLD, words=("x", "y"), label="z", quick=True)
    assert parsed is not None
    assert parse_options(Sample, options_as_dict(parsed)) == (parsed, ())


@pytest.mark.parametrize(
    ("given", "pointer", "code"),
    [
        ({"share": 1.5}, "/options/share", "out_of_range"),
        ({"share": float("nan")}, "/options/share", "wrong_type"),
        ({"share": "0.5"}, "/options/share", "wrong_type"),
        ({"share": True}, "/options/share", "wrong_type"),
        ({"count": 0}, "/options/count", "out_of_range"),
        ({"count": 2.5}, "/options/count", "wrong_type"),
        ({"count": None}, "/options/count", "wrong_type"),
        ({"quick": 1}, "/options/quick", "wrong_type"),
        ({"mood": "sad"}, "/options/mood", "wrong_type"),
        ({"words": "abc"}, "/options/words", "wrong_type"),
        ({"words": ["a", 1]}, "/options/words", "wrong_type"),
        ({"label": 7}, "/options/label", "wrong_type"),
        ({"shaer": 1}, "/options/shaer", "unknown_field"),
    ],
)
def test_each_problem_is_named(given: dict[str, Any], pointer: str, code: str) -> None:
    parsed, problems = parse_options(Sample, given)
    assert parsed is None
    assert [(each.pointer, each.code) for each in problems] == [(pointer, code)]


def test_all_problems_come_at_once_and_the_nearest_name_is_told() -> None:
    _, problems = parse_options(Sample, {"shaer": 1, "count": 0})
    assert len(problems) == 2
    assert "share" in problems[0].detail


def test_an_absurdly_large_number_is_no_crash() -> None:
    _, problems = parse_options(Sample, {"share": 10**400})
    assert problems


def test_schema_and_fields_tell_the_same() -> None:
    properties = options_schema(Sample)["properties"]
    assert isinstance(properties, dict)
    assert set(properties) == {field.name for field in option_fields(Sample)}
    assert properties["share"]["maximum"] == 1
    assert properties["mood"]["enum"] == ["calm", "bold"]
    assert properties["words"]["type"] == "array"
