"""What the tests of every seed set share: reading a file, and how near two texts are."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from rapidfuzz.distance import Indel

ROOT = Path(__file__).parents[2]
README = ROOT / "seeds" / "README.md"
PUBLISHED = ROOT.parent / "shared" / "data"
MAXIMUM_SIMILARITY = 0.7

Task = dict[str, Any]
Tokens = Callable[[str], Sequence[str]]


def read_tasks(path: Path) -> list[Task]:
    """The tasks of a file, one a line."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def rouge_l(left: Sequence[str], right: Sequence[str]) -> float:
    """ROUGE-L F-measure: 2 LCS / (m + n), which is the normalized indel similarity."""
    return Indel.normalized_similarity(left, right)


def too_close(pairs: Iterable[tuple[str, str]], tokens: Tokens) -> list[tuple[str, str]]:
    """The pairs that reach the threshold."""
    return [
        (left, right)
        for left, right in pairs
        if rouge_l(tokens(left), tokens(right)) >= MAXIMUM_SIMILARITY
    ]


def counts_told(name: str) -> dict[str, int]:
    """The table of counts in the README's section on a set."""
    text = README.read_text(encoding="utf-8")
    section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    return {
        key: int(count) for key, count in re.findall(r"^\| ([a-z ]+) \| (\d+) \|$", section, re.M)
    }


def counts_of(tasks: Sequence[Task]) -> dict[str, int]:
    """The same table, counted."""
    classification = sum(task["is_classification"] for task in tasks)
    without = [all(not each["input"] for each in task["instances"]) for task in tasks]
    return {
        "all tasks": len(tasks),
        "classification tasks": classification,
        "other tasks": len(tasks) - classification,
        "tasks with an empty input": sum(without),
        "instances": sum(len(task["instances"]) for task in tasks),
    }
