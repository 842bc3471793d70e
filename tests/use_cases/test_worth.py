"""The worth curve with a trainer that does as it is told: what each run gets, and going on."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.domain.training_ending import Ending
from app.errors import InvalidInput
from app.use_cases.worth import WorthWish, measure_worth
from tests.stand_in_trainer import UNTIL_STOPPED, stand_in

# The loss falls with the rows; the marks tell which run was made, and how often.
TRAINER = """
rows = [json.loads(line) for line in open(os.path.join(folder, "data.jsonl"))]
train = [each for each in rows if each["split"] == "train"]
loss = {"before": 3.0, "after": 3.0 - len(train) / 100}
tell(step=1, loss=1.0)
leave(
    data={"train_rows": len(train)},
    evaluation={"held_out": loss, "seeds": loss, "neutral": loss, "answers": None},
)
"""
Measured = Callable[..., Any]


def written(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def tasks(kind: str, count: int) -> list[dict[str, str]]:
    return [{"instruction": f"Name {kind} {n}.", "output": f"{kind}"} for n in range(count)]


@pytest.fixture
def wish(tmp_path: Path) -> WorthWish:
    return WorthWish(
        data=written(tmp_path / "rows.jsonl", tasks("bird", 100)),
        settings={"base_model": "/models/rose", "seed": 5},
        shares=(0.1, 1.0),
        repeats=2,
        seeds=written(tmp_path / "seeds.jsonl", tasks("tree", 8)),
        pool=written(tmp_path / "pool.jsonl", tasks("stone", 300)),
        held_out_seeds=written(tmp_path / "held.jsonl", [*tasks("cloud", 5), *tasks("stone", 40)]),
    )


@pytest.fixture
def measured(tmp_path: Path, wish: WorthWish) -> Measured:
    def measure(body: str = TRAINER, folder: str = "out", **changes: Any) -> Any:
        python = stand_in(tmp_path, body, f"trainer-{len(list(tmp_path.glob('trainer-*')))}")
        stop = changes.pop("stop", threading.Event())
        wanted = replace(wish, **changes)
        return measure_worth(
            tmp_path / folder, wanted, python, hear=lambda _: lambda _: None, stop=stop
        )

    return measure


def lines(folder: Path, run: str, name: str = "data.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "runs" / run / name).read_text().splitlines()]


def test_every_run_learns_its_rows_and_is_measured_by_the_same(
    measured: Measured, tmp_path: Path
) -> None:
    assert measured().ending is Ending.DONE
    out = tmp_path / "out"
    result = json.loads((out / "worth.json").read_text())
    counts = {(each["source"], each["share"]): each["rows"] for each in result["points"]}
    whole = counts["rows", 1.0]
    assert counts["rows", 0.1] == round(whole / 10)
    assert counts["seeds", 1.0] == 8
    assert counts["pool", 1.0] == whole, "as many as were kept"
    assert result["runs"] == {"done": 8, "of": 8}
    assert result["next"]["change"] < 0
    assert result["measure"] == "held-out seeds"
    assert (out / "worth.svg").read_text().startswith("<svg ")
    exams = set[str]()
    for run in (out / "runs").iterdir():
        rows = lines(out, run.name)
        exams.add(json.dumps([row for row in rows if row["split"] != "train"]))
        learnt = {row["prompt"] for row in rows if row["split"] == "train"}
        assert not learnt & {row["prompt"] for row in rows if row["split"] != "train"}
        assert not (run / "adapter").exists(), "only numbers are kept"
    assert len(exams) == 1
    few, many = ({row["id"] for row in lines(out, f"rows-{share}-0")} for share in (10, 100))
    assert few < many
    configs = [(out / "runs" / f"rows-10-{n}" / "config.json").read_text() for n in (0, 1)]
    assert [json.loads(each)["seed"] for each in configs] == [5, 6]


def test_what_is_done_is_not_repeated(measured: Measured, tmp_path: Path) -> None:
    failing = f"if folder.endswith('seeds-100-0'): error('no room'); sys.exit(1)\n{TRAINER}"
    ended = measured(failing)
    assert (ended.ending, ended.detail) == (Ending.FAILED, "seeds-100-0: no room")
    out = tmp_path / "out"
    assert json.loads((out / "worth.json").read_text())["runs"] == {"done": 2, "of": 8}
    assert measured().ending is Ending.DONE
    assert len(lines(out, "rows-10-0", "progress.jsonl")) == 1
    assert measured("sys.exit(1)").ending is Ending.DONE, "there is nothing left to do"


def test_a_stop_is_heeded(measured: Measured) -> None:
    stop = threading.Event()
    stop.set()
    assert measured(UNTIL_STOPPED, stop=stop).ending is Ending.STOPPED


def test_another_comparison_is_refused(measured: Measured, tmp_path: Path) -> None:
    measured(repeats=1, shares=(1.0,))
    with pytest.raises(InvalidInput, match="another"):
        measured(repeats=2)
    with pytest.raises(InvalidInput, match="is not empty"):
        measured(folder=".")
    with pytest.raises(InvalidInput, match="hold more of them out"):
        measured(folder="none", held_out_seeds=None, held_out=0.0)
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    pool = written(tmp_path / "talk.jsonl", [{"messages": talk}])  # type: ignore[dict-item]
    with pytest.raises(InvalidInput, match="another layout"):
        measured(folder="mixed", pool=pool)
