"""`cultivar score`: the published figures again, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain.rouge import rouge_l
from app.domain.scoring import score
from app.domain.tokens import rouge_tokens
from tests.cli.running import CommandLine
from tests.domain.playing import DATA, needs_data


@needs_data
@pytest.mark.parametrize(("model", "wanted"), [("davinci", 2.89), ("text-davinci-003", 33.02)])
def test_the_known_figures_of_recorded_models(
    cultivar: CommandLine, model: str, wanted: float
) -> None:
    path = DATA / "self_instruct" / "predictions" / f"{model}_predictions.jsonl"
    found = cultivar("score", "--predictions", path).json()
    assert list(found) == ["n", "rouge_l", "low", "high", "confidence"]
    assert found["n"] == 252
    assert found["rouge_l"] == pytest.approx(wanted, abs=0.05)
    assert found["low"] < found["rouge_l"] < found["high"]
    assert found["high"] - found["low"] < 8
    assert found["confidence"] == 0.95


def test_equal_and_unequal_answers(cultivar: CommandLine, piped: Callable[[bytes], None]) -> None:
    piped(
        b'{"response": "The cat sat.", "target": "the cat sat"}\n'
        b'{"response": "dogs", "target": "the cat sat"}\n'
    )
    found = cultivar("score", "--predictions", "-").json()
    assert found == {"n": 2, "rouge_l": 50.0, "low": 0.0, "high": 100.0, "confidence": 0.95}


def test_whole_responses_count() -> None:
    target, response = rouge_tokens("a b"), rouge_tokens("a b\n\nx y z z z z")
    assert rouge_l(target, response) == pytest.approx(2 * 0.25 / 1.25)


def test_the_interval_narrows_with_the_rows_and_repeats() -> None:
    few, many = score([0.0, 1.0] * 5), score([0.0, 1.0] * 2000)
    assert few.high - few.low > 5 * (many.high - many.low)
    assert many == score([0.0, 1.0] * 2000)
    # The standard error of a mean of coin tosses, times 1.96 on each side.
    assert many.high - many.low == pytest.approx(2 * 1.96 * 50 / 4000**0.5, rel=0.05)


def test_a_row_without_its_reference_is_named(cultivar: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    rows = [{"response": "a", "target": "a"}, {"response": "b"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = cultivar("score", "--predictions", path)
    assert ran.status == 2
    assert "line 2 [missing_field] there is no field target; there is response" in ran.errors


def test_no_rows_are_no_score(cultivar: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.touch()
    ran = cultivar("score", "--predictions", path)
    assert (ran.status, ran.output) == (2, b"")
    assert "holds no rows" in ran.errors
