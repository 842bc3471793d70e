"""`cultivar train`: a model from a file of rows, without a service."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from rich.console import Console
from typer import Exit, Option, echo

from app.cli.errors import BAD_INPUT, DONE, FAILED
from app.cli.evaluation_table import show_evaluation
from app.cli.method_options import OptionPairs, read_options
from app.cli.reading_progress import reading_progress
from app.cli.stopping import stopping
from app.domain.training_config import config_fields, read_config
from app.domain.training_ending import Ending
from app.domain.tuning import Tuning
from app.errors import InvalidInput
from app.files.handoff_folder import is_complete
from app.settings import Settings
from app.use_cases.handoff import Wishes, hand_over
from app.use_cases.training_process import Ended, find_python, run_training

_STATUS: Mapping[Ending, int] = {Ending.DONE: DONE, Ending.BAD_INPUT: BAD_INPUT}


def command(
    out: Annotated[Path, Option(help="a new directory for the run: data, checkpoints, results")],
    data: Annotated[
        Path | None, Option(help="an export in any layout; its manifest beside it is used")
    ] = None,
    base: Annotated[Path | None, Option(help="directory of the base model")] = None,
    method: Annotated[Tuning, Option(help="how the model is tuned")] = Tuning.LORA,
    option: OptionPairs = None,
    held_out: Annotated[
        float, Option(min=0, max=0.9, help="part of the rows kept for evaluation")
    ] = 0.05,
    held_out_seeds: Annotated[
        Path | None,
        Option(help="tasks by people that no teacher was shown, to measure the model by"),
    ] = None,
    licence: Annotated[str | None, Option(help="of the data; else what its manifest says")] = None,
    dry_run: Annotated[
        bool, Option("--dry-run", help="only count: rows, tokens, steps, memory, time")
    ] = False,
    resume: Annotated[
        bool, Option("--resume", help="go on with the run in --out from its last checkpoint")
    ] = False,
) -> None:
    """Writes `adapter/` (or `model/`), `metrics.json`, `report.json` and a model card.

    Ctrl-C saves a checkpoint and ends; `--resume` goes on from there, and so it does after a kill.
    The settings for --option are listed in docs/training.md.
    """
    python = find_python(Settings().train_python)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if resume:
        _check_resumable(out)
    else:
        given = {"base_model": _base(base), "method": str(method)}
        settings = {**given, **read_options(option or [], config_fields())}
        read_config(settings)
        with reading_progress(console) as report:
            wishes = Wishes(licence, held_out, seeds=held_out_seeds)
            manifest = hand_over(_needed(data), out, settings, wishes, report)
        console.print(f"{manifest.rows:,} rows handed to the trainer", markup=False)
    arguments = ("--dry-run",) if dry_run else ()
    with stopping() as stop:
        ended = run_training(out, python, arguments=arguments, hear=_Teller(console), stop=stop)
    _tell(ended, out, dry_run, console)


def _needed(data: Path | None) -> Path:
    if data is None:
        raise InvalidInput("Name the data with --data, or a run to go on with by --resume.")
    return data


def _base(base: Path | None) -> str:
    if base is None:
        raise InvalidInput("Name the directory of the base model with --base.")
    if not (base / "config.json").is_file():
        raise InvalidInput(f"{base} holds no model: there is no config.json in it.")
    return str(base.resolve())


def _check_resumable(out: Path) -> None:
    if not is_complete(out):
        raise InvalidInput(f"{out} holds no run to go on with.")


class _Teller:
    """Says what the trainer writes of its progress, each phase and some of the steps."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._phase = ""

    def __call__(self, line: Mapping[str, Any]) -> None:
        phase = str(line.get("phase", ""))
        if phase != self._phase and phase != "train":
            self._console.print(phase, markup=False)
        self._phase = phase
        if "loss" in line:
            words = f"step {line['step']}/{line['max_steps']}  loss {line['loss']:.4f}"
            self._console.print(words, markup=False)
        if "held_out_loss" in line:
            self._console.print(f"  held-out loss {line['held_out_loss']:.4f}", markup=False)


def _tell(ended: Ended, out: Path, dry_run: bool, console: Console) -> None:
    if ended.detail:
        console.print(f"error: {ended.detail}", markup=False)
    if ended.ending is Ending.STOPPED:
        console.print(f"saved; go on with: cultivar train --resume --out {out}", markup=False)
    if ended.ending is Ending.DONE:
        name = "plan.json" if dry_run else "metrics.json"
        found = json.loads((out / name).read_text())
        if "evaluation" in found:
            show_evaluation(found["evaluation"], console)
        echo(json.dumps(found, indent=2))
    status = _STATUS.get(ended.ending, FAILED)
    if status != DONE:
        raise Exit(status)
