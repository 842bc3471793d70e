"""`cultivar dedup`: what it writes, what it says, and what it refuses."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.running import CommandLine
from tests.domain.playing import DATA, needs_data

ROWS = (
    b'{"instruction": "Name a warm colour."}\r\n'
    b"\n"
    b'{"id":2,  "instruction":"Name a warm colour!"}\n'
    b'{"instruction": "Write a song about rain"}'
)
KEPT = ROWS.replace(b"\n\n", b"\n").replace(
    b'{"id":2,  "instruction":"Name a warm colour!"}\n', b""
)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A file of three rows, of which one is too much."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(ROWS)
    return path


def test_accepted_lines_go_through_byte_for_byte(cultivar: CommandLine, rows: Path) -> None:
    ran = cultivar("dedup", rows)
    assert (ran.status, ran.output) == (0, KEPT)
    assert "3 rows read: 2 accepted, 1 dropped" in ran.errors


def test_decisions(cultivar: CommandLine, rows: Path, tmp_path: Path) -> None:
    decisions = tmp_path / "decisions.jsonl"
    assert cultivar("dedup", rows, "--decisions", decisions).status == 0
    found = [json.loads(line) for line in decisions.read_text().splitlines()]
    names = ["line", "instruction", "accepted", "rule", "nearest", "nearest_line", "nearest_file"]
    assert list(found[0]) == [*names, "score"]
    assert [each["line"] for each in found] == [1, 3, 4]
    assert found[0]["nearest"] is found[0]["score"] is found[0]["rule"] is None
    assert found[1] == {
        "line": 3,
        "instruction": "Name a warm colour!",
        "accepted": False,
        "rule": "rouge_l",
        "nearest": "Name a warm colour.",
        "nearest_line": 1,
        "nearest_file": str(rows),
        "score": 1.0,
    }


def test_nearest_of_all(cultivar: CommandLine, rows: Path, tmp_path: Path) -> None:
    decisions = tmp_path / "decisions.jsonl"
    cultivar("dedup", rows, "--decisions", decisions, "--nearest", "all")
    found = [json.loads(line) for line in decisions.read_text().splitlines()]
    assert found[0]["nearest"] is None
    assert found[2]["accepted"] is True
    assert found[2]["nearest"] == "Name a warm colour."
    assert 0 < found[2]["score"] < 0.7


def test_rows_of_other_files_come_first(cultivar: CommandLine, rows: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('[{"instruction": "Write a song about the rain"}]')
    decisions = tmp_path / "decisions.jsonl"
    ran = cultivar("dedup", rows, "--against", other, "--decisions", decisions)
    assert ran.output == b'{"instruction": "Name a warm colour."}\r\n'
    last = json.loads(decisions.read_text().splitlines()[-1])
    assert (last["nearest_file"], last["nearest_line"]) == (str(other), 1)


def test_a_pipe_that_is_compressed(cultivar: CommandLine, piped: Callable[[bytes], None]) -> None:
    piped(gzip.compress(ROWS, mtime=0))
    assert cultivar("dedup", "-").output == KEPT


def test_the_file_may_be_replaced_by_its_result(cultivar: CommandLine, rows: Path) -> None:
    assert cultivar("dedup", rows, "--out", rows).status == 0
    assert rows.read_bytes() == KEPT
    assert [path.name for path in rows.parent.iterdir()] == [rows.name]


def test_bad_lines_are_named_and_nothing_is_written(
    cultivar: CommandLine, tmp_path: Path, piped: Callable[[bytes], None]
) -> None:
    out, decisions = tmp_path / "out.jsonl", tmp_path / "decisions.jsonl"
    piped(b'{"instruction": "One."}\nno\n[]\n{"instruction": 3}\n{"other": "x"}\n{"instruction": "')
    ran = cultivar("dedup", "-", "--out", out, "--decisions", decisions)
    assert ran.status == 2
    assert [line.split()[1].rstrip(",") for line in ran.errors.splitlines()[1:]] == list("23456")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("threshold", ["1.01", "-0.1", "nan", "x"])
def test_thresholds_out_of_range(cultivar: CommandLine, rows: Path, threshold: str) -> None:
    assert cultivar("dedup", rows, "--threshold", threshold).status == 2


def test_missing_files(cultivar: CommandLine, rows: Path, tmp_path: Path) -> None:
    assert cultivar("dedup", tmp_path / "none").status == 2
    assert cultivar("dedup", rows, "--out", tmp_path / "none" / "out").status == 2


def test_another_field_and_other_tokens(cultivar: CommandLine, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"frage": "请写一首关于春天的诗"}\n{"frage": "请写一首关于春天的诗。"}\n')
    assert len(cultivar("dedup", source, "--field", "frage").lines()) == 2
    assert len(cultivar("dedup", source, "--field", "frage", "--tokens", "unicode").lines()) == 1


@needs_data
@pytest.mark.slow
def test_alpaca_passes_whole(cultivar: CommandLine, tmp_path: Path) -> None:
    source = DATA / "alpaca" / "alpaca_52k.jsonl.gz"
    out = tmp_path / "out.jsonl"
    ran = cultivar("dedup", source, "--out", out)
    assert "52,002 rows read: 52,002 accepted, 0 dropped" in ran.errors
    assert out.read_bytes() == gzip.decompress(source.read_bytes())


def test_rows_and_decisions_want_two_files(
    cultivar: CommandLine, rows: Path, tmp_path: Path
) -> None:
    target = tmp_path / "both.jsonl"
    ran = cultivar("dedup", rows, "--out", target, "--decisions", tmp_path / "." / "both.jsonl")
    assert ran.status == 2
    assert "name another file than --out" in ran.errors
    assert not target.exists()


def test_several_fields_are_compared_together(cultivar: CommandLine, tmp_path: Path) -> None:
    rows = [
        {"instruction": "Sort the words.", "input": "pear fig plum apple"},
        {"instruction": "Sort the words.", "input": "nail hammer saw drill"},
        {"instruction": "Sort the words.", "input": "pear fig plum cherry apple"},
        {"instruction": "Sort the words."},
    ]
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert len(cultivar("dedup", source).lines()) == 1
    both = cultivar("dedup", source, "--field", "instruction", "--field", "input")
    assert both.lines() == [rows[0], rows[1], rows[3]]


def test_text_that_the_tokens_are_blind_to_is_pointed_out(
    cultivar: CommandLine, tmp_path: Path
) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"instruction": "请给句子排序"}\n' * 2)
    blind = cultivar("dedup", source)
    assert len(blind.lines()) == 2
    assert "--tokens unicode" in blind.errors
    seeing = cultivar("dedup", source, "--tokens", "unicode")
    assert len(seeing.lines()) == 1
    assert "--tokens unicode" not in seeing.errors
