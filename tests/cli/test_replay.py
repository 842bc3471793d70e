"""`cultivar replay`: recorded runs come out as they did, and other settings change them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import CommandLine, Ran
from tests.domain.playing import DATA, RUNS, needs_data

RECORDED = DATA / "recorded"
SEEDS = DATA / "self_instruct" / "seed_tasks.jsonl"


def lines(path: Path) -> list[Any]:
    """The rows of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@needs_data
@pytest.mark.parametrize("run", RUNS)
def test_a_recorded_run_comes_out_as_it_did(
    cultivar: CommandLine, run: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    replies = RECORDED / run / "instruction_replies.jsonl"
    words = ["--method", "self_instruct", "--profile", "paper", "--seeds", SEEDS]
    assert cultivar("replay", *words, "--replies", replies, "--out", out).status == 0
    found, expected = lines(out), lines(RECORDED / run / "accepted_instructions.jsonl")
    for name in ("instruction", "avg_similarity_score"):
        assert [each[name] for each in found] == [each[name] for each in expected]
    assert [list(each["most_similar"].values()) for each in found] == [
        list(each["most_similar"].values()) for each in expected
    ]
    assert list(found[0]) == ["instruction", "avg_similarity_score", "most_similar"]


@needs_data
def test_recorded_triples(cultivar: CommandLine) -> None:
    run = RECORDED / "maulik2"
    words = ["--instructions", run / "classification_replies.jsonl"]
    words += ["--replies", run / "instance_replies.jsonl"]
    ran = cultivar("replay", "--step", "answer", "--profile", "paper", *words)
    found = {tuple(each.values()) for each in ran.lines()}
    assert found == {tuple(each.values()) for each in lines(run / "triples.jsonl")}
    assert "78 examples accepted" in ran.errors


def written(tmp_path: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    """A file of these rows."""
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def replayed(cultivar: CommandLine, tmp_path: Path) -> Any:
    """Replays one small reply with further words."""
    seeds = written(tmp_path, "seeds.jsonl", [{"instruction": "Plan a walk through the old town."}])
    text = " Plan a walk through an old town.\n2. Name four birds that can swim.\n"
    replies = written(tmp_path, "replies.jsonl", [{"reply": text}, {"reply": None}])

    def replay(*words: object) -> Ran:
        return cultivar("replay", "--seeds", seeds, "--replies", replies, *words)

    return replay


def test_drops_are_counted(replayed: Any) -> None:
    ran = replayed()
    assert [each["instruction"] for each in ran.lines()] == ["Name four birds that can swim."]
    assert "rouge_l: 1" in ran.errors
    assert "2 replies: 1 instructions accepted" in ran.errors


def test_other_settings_change_the_outcome(replayed: Any) -> None:
    assert len(replayed("--threshold", "1").lines()) == 2
    assert len(replayed("--option", "threshold=1").lines()) == 2
    assert len(replayed("--option", "minimum_words=20").lines()) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--profile", "papre"],
        ["--option", "treshold=1"],
        ["--option", "threshold=3"],
        ["--option", "threshold"],
        ["--step", "answer"],
        ["--tokens", "words"],
    ],
)
def test_wrong_settings(replayed: Any, words: list[str]) -> None:
    assert replayed(*words).status == 2


def test_the_right_word_is_suggested(replayed: Any) -> None:
    assert "did you mean paper?" in replayed("--profile", "papre").errors
    assert "did you mean threshold?" in replayed("--option", "treshold=1").errors


def test_bad_replies_are_named(cultivar: CommandLine, tmp_path: Path) -> None:
    seeds = written(tmp_path, "seeds.jsonl", [{"instruction": "Plan a walk."}])
    replies = written(tmp_path, "replies.jsonl", [{"reply": "x"}, {"replay": "x"}, {"reply": 7}])
    ran = cultivar("replay", "--seeds", seeds, "--replies", replies)
    assert (ran.status, ran.output) == (2, b"")
    assert "line 2" in ran.errors
    assert "line 3" in ran.errors
    bad_seeds = written(tmp_path, "bad.jsonl", [{"instruction": " "}])
    ran = cultivar("replay", "--seeds", bad_seeds, "--replies", replies)
    assert ran.status == 2
    assert "bad.jsonl" in ran.errors
