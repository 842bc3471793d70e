"""The worth curve: one recipe trained on shares of the rows, on seeds alone, on the raw pool."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import orjson

from app.domain.handoff import DATA, MANIFEST, Manifest, Split, read_manifest
from app.domain.training_ending import Ending
from app.domain.worth import Arm, Outcome, Source, arms, drawn, means, next_rows
from app.domain.worth_chart import chart
from app.errors import InvalidInput
from app.files.handoff_folder import claim_folder, is_complete, write_data, write_manifest
from app.use_cases.handoff import Wishes, hand_over, seed_lines
from app.use_cases.training_process import Ended, Listener, do_nothing, find_python, run_training

RECIPE, RESULT, PICTURE = "recipe.json", "worth.json", "worth.svg"
_WEIGHTS = ("adapter", "model", "merged")
Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthWish:
    """What is compared: the rows, the trainer's settings, and what else to learn from.

    `seeds` are the tasks that the rows grew from, `pool` candidates before any filter, and
    `held_out_seeds` tasks of people that nobody was shown, by which all is measured; without them
    held-out rows are.
    """

    data: Path
    settings: Mapping[str, object]
    shares: tuple[float, ...] = (0.1, 0.3, 1.0)
    repeats: int = 3
    seeds: Path | None = None
    pool: Path | None = None
    held_out_seeds: Path | None = None
    held_out: float = 0.05

    def arms(self) -> Sequence[Arm]:
        """Every run of the comparison."""
        with_seeds, with_pool = self.seeds is not None, self.pool is not None
        return arms(self.shares, self.repeats, seeds=with_seeds, pool=with_pool)


def measure_worth(
    folder: Path,
    wish: WorthWish,
    train_python: Path | None,
    *,
    hear: Callable[[Arm], Listener],
    stop: threading.Event,
    tick: Callable[[], None] = do_nothing,
) -> Ended:
    """Make every run that is not done yet, and after each the result as JSON and as a picture.

    The same call with the same wish goes on where it was interrupted. Raises InvalidInput for bad
    data, and where the folder holds another comparison.
    """
    python = find_python(train_python)
    _claim(folder, wish)
    rows = _Rows(folder, wish)
    outcomes: list[Outcome] = []
    for arm in wish.arms():
        run = folder / "runs" / arm.name
        if not (run / "metrics.json").exists():
            rows.prepare(run, arm)
            ended = run_training(run, python, hear=hear(arm), tick=tick, stop=stop)
            if ended.ending is not Ending.DONE:
                return replace(ended, detail=f"{arm.name}: {ended.detail}")
            _drop_weights(run)
        outcomes.append(_outcome(arm, run))
        _write(folder, outcomes, rows.measure, len(wish.arms()))
    return Ended(Ending.DONE)


def _claim(folder: Path, wish: WorthWish) -> None:
    """Take the folder for this comparison, or find that it is already for it."""
    recipe = json.dumps(asdict(wish), default=str, sort_keys=True, indent=2)
    path = folder / RECIPE
    if not path.exists():
        claim_folder(folder)
        path.write_text(recipe, encoding="utf-8")
    elif path.read_text(encoding="utf-8") != recipe:
        raise InvalidInput(
            f"{folder} holds a comparison with other data or settings (see {RECIPE}); name another "
            "folder, or the same data and settings to go on with it."
        )


class _Rows:
    """The rows of all arms: what they learn from differs, what measures them is the same."""

    def __init__(self, folder: Path, wish: WorthWish) -> None:
        self._folder, self._wish = folder, wish
        wishes = Wishes(held_out=wish.held_out, seeds=wish.held_out_seeds)
        self._manifest = self._handed("rows", wish.data, wishes)
        lines = list(_lines(folder / "rows"))
        self._exam = [each for each in lines if each["split"] != Split.TRAIN]
        if not self._exam:
            raise InvalidInput(
                "No row is held out, so nothing can be compared: hold more of them out."
            )
        self._asked = {_prompt(each) for each in self._exam}
        # Rows may bring seeds along that nobody was shown, and those are asked first.
        by_seeds = any(each["split"] == Split.SEEDS for each in self._exam)
        self.measure = "held-out seeds" if by_seeds else "held-out rows"
        self._train = {Source.ROWS: self._learnable(lines)}
        if wish.seeds is not None:
            found = seed_lines(wish.seeds, self._manifest.layout, Split.TRAIN)
            self._train[Source.SEEDS] = self._learnable(found)
        if wish.pool is not None:
            manifest = self._handed("pool", wish.pool, Wishes(held_out=0.0))
            if manifest.layout is not self._manifest.layout:
                raise InvalidInput("The pool has another layout than the rows; export both alike.")
            self._train[Source.POOL] = self._learnable(_lines(folder / "pool"))

    def prepare(self, run: Path, arm: Arm) -> None:
        """Write the folder of a run, unless it is there."""
        if is_complete(run):
            return
        shutil.rmtree(run, ignore_errors=True)
        claim_folder(run)
        found = self._train[arm.source]
        # The pool is larger than what was kept of it: equal numbers make rows comparable.
        whole = min(len(found), len(self._train[Source.ROWS]))
        count = max(1, round(arm.share * (whole if arm.source is Source.POOL else len(found))))
        chosen = drawn([each["id"] for each in found], count, arm.repeat)
        kept = [each for each in found if each["id"] in chosen]
        count, digest = write_data(run, [*kept, *self._exam])
        source = {**self._manifest.source, "arm": asdict(arm)}
        manifest = replace(self._manifest, rows=count, sha256=digest, source=source)
        seed = cast(int, self._wish.settings.get("seed", 0)) + arm.repeat
        write_manifest(run, manifest, {**self._wish.settings, "seed": seed})

    def _handed(self, name: str, source: Path, wishes: Wishes) -> Manifest:
        folder = self._folder / name
        if not is_complete(folder):
            shutil.rmtree(folder, ignore_errors=True)
            return hand_over(source, folder, self._wish.settings, wishes)
        return read_manifest(orjson.loads((folder / MANIFEST).read_bytes()))

    def _learnable(self, lines: Iterator[Line] | Sequence[Line]) -> Sequence[Line]:
        """The lines to learn from: none whose prompt is asked later."""
        found = [
            each
            for each in lines
            if each["split"] == Split.TRAIN and _prompt(each) not in self._asked
        ]
        if not found:
            raise InvalidInput("A part of the comparison has no rows to train on.")
        return found


def title_of(result: Mapping[str, Any]) -> str:
    """What stands above the curve."""
    return f"Loss a token on {result['measure']}"


def _lines(folder: Path) -> Iterator[Line]:
    with (folder / DATA).open("rb") as file:
        yield from map(orjson.loads, file)


def _prompt(line: Line) -> str:
    return json.dumps(line["prompt"], sort_keys=True)


def _drop_weights(run: Path) -> None:
    """Only the numbers are wanted, and many models would fill a disk."""
    for name in _WEIGHTS:
        shutil.rmtree(run / name, ignore_errors=True)


def _outcome(arm: Arm, run: Path) -> Outcome:
    metrics = orjson.loads((run / "metrics.json").read_bytes())
    found = metrics["evaluation"]
    watched, answers = found["seeds"] or found["held_out"], found["answers"]
    return Outcome(
        arm,
        rows=metrics["data"]["train_rows"],
        base_loss=watched["before"],
        loss=watched["after"],
        neutral_loss=found["neutral"]["after"],
        rouge_l=answers and answers["rouge_l"]["after"]["rouge_l"],
    )


def _write(folder: Path, outcomes: Sequence[Outcome], measure: str, count: int) -> None:
    """The result so far, each file whole or as it was."""
    following = next_rows(outcomes)
    result = {
        "measure": measure,
        "base_loss": outcomes[0].base_loss,
        "points": [each.as_json() for each in outcomes],
        "means": [asdict(each) for each in means(outcomes)],
        "next": following and asdict(following),
        "runs": {"done": len(outcomes), "of": count},
    }
    picture = chart(outcomes, title_of(result))
    for name, text in ((RESULT, json.dumps(result, indent=2) + "\n"), (PICTURE, picture)):
        passing = folder / f".{name}.part"
        passing.write_text(text, encoding="utf-8")
        passing.replace(folder / name)
