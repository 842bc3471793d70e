"""What the filters cost a row, one by one and all together, and how many real rows each finds.

Run: python -m benchmarks.filters [--data ../shared/data]
Prints tables and last one line of JSON. Times are CPU seconds of the one process. Data: the 52,002
rows of Stanford Alpaca and the seeds of InstructionWild, which have no answers; the evaluation set
is Self-Instruct's user-oriented tasks.
"""

import argparse
import gzip
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from app.domain.contamination import Decontamination, EvaluationIndex, EvaluationItem
from app.domain.filtering import NAMES, FilterKind, JobFilters, build, kind_of, resolve
from app.domain.profiles import DEFAULT_FILTERS
from app.domain.records import Instance

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared/data"
TRIES = 3
Row = tuple[str, Instance]
SINGLE = [name for name in NAMES if kind_of(name) is not FilterKind.GROUP]


def rows_of(path: Path) -> Iterator[Row]:
    """The rows of a JSONL file, compressed or not."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["instruction"], Instance(row.get("input", ""), row.get("output", ""))


def flagging(names: Sequence[str]) -> JobFilters:
    """Filters at their default limits that flag, so that every one is asked."""
    stored, _ = resolve({}, dict.fromkeys(names, "flag"))
    found, problems = build(stored or {})
    if found is None:
        raise ValueError(problems)
    return found


def best_us(rows: Sequence[Row], judge: Callable[[str, Instance], object]) -> float:
    """CPU microseconds a row, the best of a few passes."""
    times: list[float] = []
    for _ in range(TRIES):
        started = time.process_time()
        for instruction, instance in rows:
            judge(instruction, instance)
        times.append(time.process_time() - started)
    return 1e6 * min(times) / len(rows)


def found_in(rows: Sequence[Row]) -> Mapping[str, int]:
    """How many rows each filter finds."""
    counted: Counter[str] = Counter()
    for name in SINGLE:
        filters = flagging([name])
        counted[name] = sum(bool(filters.judge(*row).flags) for row in rows)
    return counted


def index_of(path: Path, rules: Decontamination) -> EvaluationIndex:
    """The user-oriented tasks under the rules."""
    index = EvaluationIndex("user-oriented tasks", rules)
    items: list[EvaluationItem] = []
    for position, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        task = json.loads(line)
        for each in task["instances"]:
            items.append(
                EvaluationItem(position, task["instruction"], each["input"], each["output"])
            )
    index.extend(items)
    return index


def overlaps(rows: Sequence[Row], exam: Path) -> list[dict[str, object]]:
    """Cost and finds of each rule against an evaluation set."""
    cases = {
        "13-gram": Decontamination(rouge_l=None),
        "8-gram": Decontamination(ngram=8, rouge_l=None),
        "ROUGE-L > 0.7": Decontamination(ngram=None),
        "13-gram and ROUGE-L": Decontamination(),
    }
    told: list[dict[str, object]] = []
    for name, rules in cases.items():
        index = index_of(exam, rules)
        found = sum(index.overlap(*row) is not None for row in rows)
        told.append({"rule": name, "us": round(best_us(rows, index.overlap), 2), "found": found})
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    data: Path = parser.parse_args().data
    alpaca = list(rows_of(data / "alpaca/alpaca_52k.jsonl.gz"))
    wild = [
        *rows_of(data / "instruction_wild/seeds_en.jsonl"),
        *rows_of(data / "instruction_wild/seeds_zh.jsonl"),
    ]
    counts = {"alpaca": found_in(alpaca), "wild": found_in(wild)}
    print(f"{'filter':<22}{'us a row':>10}{'Alpaca':>8}{'share':>9}{'Wild':>6}")
    each: dict[str, float] = {}
    for name in SINGLE:
        each[name] = best_us(alpaca, flagging([name]).judge)
        found, share = counts["alpaca"][name], counts["alpaca"][name] / len(alpaca)
        print(f"{name:<22}{each[name]:>10.2f}{found:>8}{share:>9.3%}{counts['wild'][name]:>6}")
    whole = {
        "none": best_us(alpaca, JobFilters().judge),
        "default": best_us(alpaca, flagging(list(DEFAULT_FILTERS)).judge),
        "all": best_us(alpaca, flagging(SINGLE).judge),
    }
    print("\nus a row: " + ", ".join(f"{name} {us:.1f}" for name, us in whole.items()))
    exam = data / "self_instruct/user_oriented_instructions.jsonl"
    against = overlaps(alpaca, exam)
    for case in against:
        print(f"{case['rule']}: {case['us']} us a row, {case['found']} of {len(alpaca):,} rows")
    print(json.dumps({"rows": len(alpaca), "us": each, "together": whole, **counts,
                      "against": against}))  # fmt: skip


if __name__ == "__main__":
    main()
