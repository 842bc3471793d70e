"""`cultivar worth`: what the rows, and the next thousand of them, do for a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from rich.console import Console
from typer import Exit, Option, echo

from app.cli.errors import BAD_INPUT, FAILED
from app.cli.method_options import OptionPairs, read_options
from app.cli.shares import read_plan
from app.cli.stopping import stopping
from app.domain.training_config import config_fields, read_config
from app.domain.training_ending import Ending
from app.domain.tuning import Tuning
from app.domain.worth import Arm
from app.errors import InvalidInput
from app.settings import Settings
from app.use_cases.worth import RESULT, WorthWish, measure_worth


def command(
    data: Annotated[Path, Option(help="an export in any layout")],
    base: Annotated[Path, Option(help="directory of the base model")],
    out: Annotated[Path, Option(help="a directory for all runs, worth.json and worth.svg")],
    seeds: Annotated[
        Path | None, Option(help="the seeds that the rows grew from: tuned on these alone")
    ] = None,
    pool: Annotated[
        Path | None, Option(help="rows before any filter: tuned on as many of these")
    ] = None,
    held_out_seeds: Annotated[
        Path | None, Option(help="tasks by people that no teacher was shown, to measure by")
    ] = None,
    held_out: Annotated[
        float, Option(min=0, max=0.9, help="part of the rows kept for evaluation")
    ] = 0.05,
    shares: Annotated[str, Option(help="parts of the rows to train on")] = "0.1,0.3,1",
    repeats: Annotated[int, Option(min=1, max=100, help="random seeds of each")] = 3,
    method: Annotated[Tuning, Option(help="how the model is tuned")] = Tuning.LORA,
    option: OptionPairs = None,
) -> None:
    """Tunes the base by one recipe on shares of the rows, on the seeds, and on the raw pool.

    The same command goes on where it was interrupted; what is done is not repeated. Standard
    output has worth.json; worth.svg is the curve.
    """
    if not (base / "config.json").is_file():
        raise InvalidInput(f"{base} holds no model: there is no config.json in it.")
    given = {"base_model": str(base.resolve()), "method": str(method)}
    settings = {**given, **read_options(option or [], config_fields())}
    read_config(settings)
    plan = read_plan(shares, repeats)
    wish = WorthWish(
        data=data.resolve(),
        settings=settings,
        shares=plan.shares,
        repeats=plan.repeats,
        seeds=seeds and seeds.resolve(),
        pool=pool and pool.resolve(),
        held_out_seeds=held_out_seeds and held_out_seeds.resolve(),
        held_out=held_out,
    )
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    with stopping() as stop:
        told = _Teller(console, len(wish.arms()))
        ended = measure_worth(out, wish, Settings().train_python, hear=told.of, stop=stop)
    if ended.ending is Ending.STOPPED:
        console.print("saved; the same command goes on")
    if ended.ending is not Ending.DONE:
        console.print(f"error: {ended.detail}")
        raise Exit(BAD_INPUT if ended.ending is Ending.BAD_INPUT else FAILED)
    echo((out / RESULT).read_text(encoding="utf-8"), nl=False)


class _Teller:
    """Says which run goes, and its steps now and then."""

    def __init__(self, console: Console, count: int) -> None:
        self._console, self._count, self._begun = console, count, 0

    def of(self, arm: Arm) -> "_Follower":
        """Whoever hears the lines of a run."""
        self._begun += 1
        self._console.print(f"{arm.name} ({self._begun} to be made, {self._count} in all)")
        return _Follower(self._console)


class _Follower:
    def __init__(self, console: Console) -> None:
        self._console, self._tenth = console, -1

    def __call__(self, line: Mapping[str, Any]) -> None:
        if not isinstance(line.get("loss"), float):
            return
        tenth = 10 * line["step"] // line["max_steps"]
        if tenth > self._tenth:
            self._tenth = tenth
            words = f"  step {line['step']}/{line['max_steps']}  loss {line['loss']:.4f}"
            self._console.print(words)
