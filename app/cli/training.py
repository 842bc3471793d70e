"""`cultivar training`: training runs of the service, from an export to an adapter."""

import shutil
import time
from pathlib import Path
from typing import Annotated
from uuid import UUID

from typer import Argument, Exit, Option, Typer

from app.cli.connection import connected
from app.cli.errors import FAILED
from app.cli.evaluation_table import show_evaluation
from app.cli.method_options import OptionPairs, read_options
from app.cli.shares import read_plan
from app.cli.terminal import (
    AsJson,
    Cursor,
    Limit,
    console,
    facts_of,
    show_facts,
    show_json,
    show_page,
)
from app.domain.lifecycle import OPEN_TRAINING_STATES, StopMode, TrainingState
from app.domain.stored import TrainingRecord
from app.domain.training_config import config_fields
from app.domain.tuning import Tuning
from app.domain.worth import MOST_REPEATS
from app.files.whole_file import written_whole
from app.use_cases import training, worth_results

commands = Typer()
Identified = Annotated[UUID, Argument(metavar="RUN", help="its id")]
_POLL_S = 1.0


@commands.command("submit")
def submit(
    export: Annotated[UUID, Argument(metavar="EXPORT", help="id of the export trained on")],
    base: Annotated[str, Option(help="name of a directory in CULTIVAR_BASE_MODELS")],
    method: Annotated[Tuning, Option(help="how the model is tuned")] = Tuning.LORA,
    option: OptionPairs = None,
    held_out: Annotated[
        float, Option(min=0, max=0.9, help="part of the rows kept for evaluation")
    ] = 0.05,
    dry_run: Annotated[
        bool, Option("--dry-run", help="only count: rows, tokens, steps, memory, time")
    ] = False,
    worth: Annotated[
        bool, Option("--worth", help="the worth curve: by one recipe on shares of the rows")
    ] = False,
    shares: Annotated[str, Option(help="of --worth: parts of the rows to train on")] = "0.1,0.3,1",
    repeats: Annotated[
        int, Option(min=1, max=MOST_REPEATS, help="of --worth: random seeds of each")
    ] = 3,
    wait: Annotated[bool, Option("--wait", help="stay until it has ended")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask for a run; the worker of the train queue makes it."""
    wish = training.TrainingWish(
        export_id=export,
        base_model=base,
        method=str(method),
        settings=read_options(option or [], config_fields()),
        held_out=held_out,
        dry_run=dry_run,
        worth=read_plan(shares, repeats) if worth else None,
    )
    with connected() as runtime:
        record = training.request(runtime, wish)
        while wait and record.state in OPEN_TRAINING_STATES:
            time.sleep(_POLL_S)
            record = training.get(runtime, record.id)
    _show(record, as_json)
    if record.state is TrainingState.FAILED:
        raise Exit(FAILED)


@commands.command("list")
def list_(limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False) -> None:
    """Runs, newest first."""
    with connected() as runtime:
        page = training.page(runtime, cursor=cursor, limit=limit)
    cells = [
        (each.id, each.base_model, each.method, each.state, each.phase, _step(each))
        for each in page.items
    ]
    show_page(page, as_json, ("id", "base", "method", "state", "phase", "step"), cells)


@commands.command("show")
def show(run: Identified, as_json: AsJson = False) -> None:
    """One run."""
    with connected() as runtime:
        _show(training.get(runtime, run), as_json)


@commands.command("stop")
def stop(
    run: Identified,
    discard: Annotated[bool, Option("--discard", help="for good, without a checkpoint")] = False,
    as_json: AsJson = False,
) -> None:
    """End a run with a checkpoint, from which `resume` goes on."""
    with connected() as runtime:
        mode = StopMode.DISCARD if discard else StopMode.SAVE
        _show(training.stop(runtime, run, mode), as_json)


@commands.command("resume")
def resume(run: Identified, as_json: AsJson = False) -> None:
    """Go on with a run that was stopped or failed."""
    with connected() as runtime:
        _show(training.resume(runtime, run), as_json)


@commands.command("worth")
def worth_(run: Identified) -> None:
    """The worth curve of a run as far as it is made, as JSON."""
    with connected() as runtime:
        show_json(worth_results.so_far(runtime, run))


@commands.command("fetch")
def fetch(run: Identified, out: Annotated[Path, Option(help="the tar file")]) -> None:
    """Copy what a run left: adapter or model, metrics, report, model card; or the worth curve."""
    with connected() as runtime:
        _, path = training.archive(runtime, run)
        with path.open("rb") as source, written_whole(out) as target:
            shutil.copyfileobj(source, target)
    console().print(f"{out}: {path.stat().st_size:,} bytes")


@commands.command("delete")
def delete(run: Identified) -> None:
    """Remove a run that has ended, with its result."""
    with connected() as runtime:
        training.delete(runtime, run)


def _step(record: TrainingRecord) -> str | None:
    told = record.progress or {}
    if "runs" in told:
        return f"training {told['run']}/{told['runs']}"
    return f"{told['step']}/{told['max_steps']}" if "max_steps" in told else None


def _show(record: TrainingRecord, as_json: bool) -> None:
    if as_json:
        show_json(record)
        return
    facts = facts_of(record)
    evaluation = (record.metrics or {}).get("evaluation")
    if isinstance(evaluation, dict):
        facts["metrics"] = {
            each: it for each, it in facts["metrics"].items() if each != "evaluation"
        }
    show_facts({name: value for name, value in facts.items() if value not in (None, {})})
    if isinstance(evaluation, dict):
        show_evaluation(evaluation, console())
