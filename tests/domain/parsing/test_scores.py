"""Replies of judges and of reward models, well formed and less so."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import pytest

from app.domain.parsing.scores import read_rewards, read_scores

NAMES = ("clarity", "correctness")


@pytest.mark.parametrize(
    "reply",
    [
        '{"clarity": 4, "correctness": 5, "reason": "none"}',
        '```json\n{"clarity": 4, "correctness": 5}\n```',
        '<think>{"clarity": 1, "correctness": 1}</think>{"clarity": 4, "correctness": 5}',
        'Here it is: {"Clarity": "4/5", "Correctness": {"score": 5, "reason": "right"}} Bye.',
        '{"scores": {"clarity": 4.0, "correctness": "5"}}',
        "clarity: 4\ncorrectness: 5",
        "- **Clarity**: 4/5 - a bit long\n- **Correctness**: 5 out of 5",
        "1. clarity - 4\n2. correctness = 5",
        "{not json}\nclarity：4\ncorrectness：5",
    ],
)
def test_scores_are_read_in_every_usual_form(reply: str) -> None:
    assert read_scores(reply, NAMES, 1, 5) == {"clarity": 4.0, "correctness": 5.0}


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "4",
        '{"clarity": 4}',
        '{"clarity": 4, "correctness": 6}',
        '{"clarity": 4, "correctness": true}',
        '{"clarity": 4, "correctness": null}',
        '{"clarity": 4, "correctness": NaN}',
        '{"clarity": 4, "correctness": 0}',
        "clarity: 4\nclarity: 2\ncorrectness: 5",
        "clarity: four\ncorrectness: 5",
        "[" * 50_000,
        '{"a":' * 50_000,
    ],
)
def test_what_is_missing_off_the_scale_or_unclear_is_no_score(reply: str) -> None:
    assert read_scores(reply, NAMES, 1, 5) is None


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("-2.5", {"reward": -2.5}),
        ("reward:-12.25", {"reward": -12.25}),
        ("helpfulness:1.6,correctness:1.75", {"helpfulness": 1.6, "correctness": 1.75}),
        ('{"score": 0.5, "model": "x"}', {"score": 0.5}),
        ("I cannot say.", None),
        ("1e999", None),
    ],
)
def test_rewards(reply: str, found: dict[str, float] | None) -> None:
    assert read_rewards(reply) == found
