"""Mixtures out of files: shares, inversion, order, and memory that does not grow with the rows."""

import json
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.domain.flan.mixing import MixSettings
from app.errors import InvalidInput, InvalidUpload
from app.use_cases.mixing import MixOrder, MixTask, mix_files, task_named
from tests.domain.flan.cases import chain_line


def chains_file(folder: Path, name: str, count: int) -> Path:
    path = folder / f"{name}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps(chain_line(number)) + "\n")
    return path


def mixed(out: Path, *tasks: MixTask, **order: Any) -> list[dict[str, Any]]:
    mix_files(tasks, out, MixOrder(**order))
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def test_names_of_tasks(tmp_path: Path) -> None:
    assert task_named("a/b.jsonl.gz") == MixTask(Path("a/b.jsonl.gz"), "b", "b")
    assert task_named("cot:a/b.jsonl") == MixTask(Path("a/b.jsonl"), "b", "cot")
    odd = tmp_path / "x:y.jsonl"
    odd.touch()
    assert task_named(str(odd)) == MixTask(odd, "x:y", "x:y")


def test_inverted_examples_are_three_of_thirteen(tmp_path: Path) -> None:
    """All rows, and as many of them inverted as a share of 0.3 to the plain ones makes."""
    task = task_named(str(chains_file(tmp_path, "sums", 1000)))
    found = mixed(tmp_path / "out.jsonl", task)
    styles = Counter(each["style"] for each in found)
    assert (len(found), styles["inverted"]) == (1300, 300)
    plain = [each["row"] for each in found if each["style"] != "inverted"]
    assert sorted(plain) == list(range(1000)), "each row once a pass"
    some = mixed(tmp_path / "out.jsonl", task, sizes=MixSettings(rows=260))
    assert Counter(each["style"] for each in some)["inverted"] == 60
    assert len(some) == 260


def test_shares_of_collections(tmp_path: Path) -> None:
    names = ("a:", "a:", "b:")
    tasks = [
        task_named(f"{collection}{chains_file(tmp_path, f'sums{n}', 600)}")
        for n, collection in enumerate(names)
    ]
    sizes = MixSettings(rows=500, weights={"a": 0.6, "b": 0.4})
    found = Counter(each["task"] for each in mixed(tmp_path / "out.jsonl", *tasks, sizes=sizes))
    assert found == {"sums0": 150, "sums1": 150, "sums2": 200}


def test_equal_seeds_give_equal_files(tmp_path: Path) -> None:
    task = task_named(str(chains_file(tmp_path, "sums", 300)))
    one, two, three = (tmp_path / name for name in ("1", "2", "3"))
    mix_files([task], one)
    mix_files([task], two)
    mix_files([task], three, MixOrder(seed=1))
    assert one.read_bytes() == two.read_bytes() != three.read_bytes()


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Six times the rows, not a quarter more memory at the peak."""
    peaks: list[int] = []
    for count in (2000, 12_000):
        task = task_named(str(chains_file(tmp_path, f"sums{count}", count)))
        order = MixOrder(sizes=MixSettings(rows=1000))
        tracemalloc.start()
        mix_files([task], tmp_path / "out.jsonl", order)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.25


def test_a_table_without_a_header(tmp_path: Path) -> None:
    """As Flan publishes reasoning: question, answer, chain; quotation marks are characters."""
    path = tmp_path / "sums.tsv"
    path.write_bytes(b'"Two" and 2?\t4\tTwo,\\nand two more\n\nThree?\t3\t"It is three."\n')
    found = mixed(tmp_path / "out.jsonl", task_named(str(path)), inversion=0)
    targets = sorted(each["target"] for each in found)
    assert targets[0].startswith('"It is three." ')
    assert targets[1].startswith("Two,\nand two more.")
    path.write_text("question\tchain\tanswer\nTwo?\tYes, two\t2\n")
    found = mixed(tmp_path / "out.jsonl", task_named(str(path)))
    assert found[0]["target"].startswith("Yes, two.")
    path.write_text("a\tb\tc\nd\te\n")
    with pytest.raises(InvalidUpload, match="line 2") as refused:
        mixed(tmp_path / "out.jsonl", task_named(str(path)))
    assert refused.value.report.errors[0].code == "column_count"


def test_two_tasks_of_one_name_are_refused(tmp_path: Path) -> None:
    task = task_named(str(chains_file(tmp_path, "sums", 3)))
    with pytest.raises(InvalidInput, match="different names"):
        mix_files([task, task], tmp_path / "out.jsonl")
