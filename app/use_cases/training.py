"""Training runs: ask for one, read it, stop it, go on with it, fetch what it left."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from app.db import exports, training_runs
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.lifecycle import ExportState, StopMode, TrainingState
from app.domain.stored import ExportRecord, Page, TrainingRecord
from app.domain.training_config import read_config
from app.domain.tuning import Tuning
from app.domain.worth import WorthPlan
from app.errors import Conflict, InvalidInput, NotFound, Problem
from app.files.base_folder import refuse_code
from app.runtime import Runtime
from app.use_cases import audit
from app.use_cases.exports import packed_as
from app.use_cases.once import Once

HANDED = {
    *("alpaca_jsonl", "chat_messages", "handoff", "openai_chat", "prompt_completion"),
    *("self_instruct_triples", "sharegpt"),
}
RESULTS = (
    *("adapter", "model", "merged", "metrics.json", "report.json", "README.md"),
    *("predictions-before.jsonl", "predictions-after.jsonl", "worth.json", "worth.svg"),
)
CURVE = "curve"
PACKED = (".jsonl", ".jsonl.gz", ".parquet")


@dataclass(frozen=True, kw_only=True)
class TrainingWish:
    """What somebody asks for: a base model by name, an export, and settings of the trainer.

    A `dry_run` counts rows, tokens, steps, memory and time, and trains nothing. With `worth` the
    same recipe is trained on shares of the rows, to see what more of them buy.
    """

    export_id: UUID
    base_model: str
    method: str = Tuning.LORA
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    held_out: float = 0.05
    dry_run: bool = False
    worth: WorthPlan | None = None


def base_models(runtime: Runtime) -> Mapping[str, Path]:
    """The base models that may be tuned here, by name: that of their directory."""
    listed = filter(None, runtime.settings.base_models.split(os.pathsep))
    return {Path(each).name: Path(each) for each in listed}


def request(runtime: Runtime, wish: TrainingWish, once: Once | None = None) -> TrainingRecord:
    """Queue a run; raises NotFound, Conflict until the export is ready, or InvalidInput."""
    _check(runtime, wish)
    run_id = new_id()
    with runtime.database.transaction() as connection:
        if once and (known_id := once.made_before(connection)):
            return _get(connection, known_id)
        export = _checked_export(connection, wish.export_id)
        values: dict[str, object] = {
            "id": run_id,
            "export_id": wish.export_id,
            "job_id": export.job_id,
            "base_model": wish.base_model,
            "method": wish.method,
            "settings": dict(wish.settings),
            "held_out": wish.held_out,
            "dry_run": wish.dry_run,
            "worth": wish.worth and wish.worth.as_json(),
            "state": TrainingState.QUEUED,
        }
        training_runs.insert(connection, values)
        if once:
            once.made(connection, run_id)
        record = _get(connection, run_id)
        audit.note(runtime, connection, "training.request", run_id, export=str(wish.export_id))
    runtime.wake.train(run_id)
    return record


def _check(runtime: Runtime, wish: TrainingWish) -> None:
    known = base_models(runtime)
    if wish.base_model not in known:
        told = f"known: {', '.join(known)}" if known else "CULTIVAR_BASE_MODELS names none"
        problem = Problem("/base_model", "unknown_base_model", told)
        raise InvalidInput("The training cannot be done like this.", problems=[problem])
    try:
        refuse_code(known[wish.base_model])
    except InvalidInput as error:
        problem = Problem("/base_model", "unsafe_base_model", error.detail)
        raise InvalidInput("The training cannot be done like this.", problems=[problem]) from error
    if wish.worth is not None:
        _check_worth(wish.worth, wish.dry_run)
    reserved = [name for name in ("base_model", "method") if name in wish.settings]
    if reserved:
        problem = Problem(f"/settings/{reserved[0]}", "unknown_field", "give it beside settings")
        raise InvalidInput("The training cannot be done like this.", problems=[problem])
    try:
        read_config(trainer_settings(known[wish.base_model], wish.method, wish.settings))
    except InvalidInput as error:
        raise InvalidInput(error.detail, problems=[*map(_placed, error.problems)]) from error


def _check_worth(plan: WorthPlan, dry_run: bool) -> None:
    problems = [replace(each, pointer=f"/worth{each.pointer}") for each in plan.problems()]
    if dry_run:
        told = "a worth curve cannot be counted first; count a run on all rows"
        problems.append(Problem("/dry_run", "conflicting", told))
    if problems:
        raise InvalidInput("The training cannot be done like this.", problems=problems)


def trainer_settings(
    base: Path, method: str, settings: Mapping[str, object]
) -> Mapping[str, object]:
    """The members of the run's config.json."""
    return {"base_model": str(base.resolve()), "method": method, **settings}


def _placed(problem: Problem) -> Problem:
    """A problem of the settings as it stands in a request."""
    inside = problem.pointer not in ("/method", "/base_model")
    pointer = f"/settings{problem.pointer}" if inside else problem.pointer
    return Problem(pointer, problem.code, problem.detail)


def _checked_export(connection: Connection, export_id: UUID) -> ExportRecord:
    export = exports.get(connection, export_id)
    if export is None:
        raise NotFound(f"There is no export {export_id}.")
    if export.state is not ExportState.READY:
        raise Conflict(f"The export is {export.state}; only a ready one can be trained on.")
    if export.format not in HANDED:
        detail = f"{export.format} cannot be trained on; one of {', '.join(sorted(HANDED))} can"
        problem = Problem("/export_id", "unknown_format", detail)
        raise InvalidInput("The training cannot be done like this.", problems=[problem])
    if packed_as(export) not in PACKED:
        detail = f"a {packed_as(export)} file cannot be trained on; one of {', '.join(PACKED)} can"
        problem = Problem("/export_id", "unfit_container", detail)
        raise InvalidInput("The training cannot be done like this.", problems=[problem])
    return export


def _get(connection: Connection, run_id: UUID) -> TrainingRecord:
    found = training_runs.get(connection, run_id)
    if found is None:
        raise NotFound(f"There is no training run {run_id}.")
    return found


def get(runtime: Runtime, run_id: UUID) -> TrainingRecord:
    """One run; raises NotFound."""
    with runtime.database.transaction() as connection:
        return _get(connection, run_id)


def page(runtime: Runtime, *, cursor: str | None = None, limit: int = 50) -> Page[TrainingRecord]:
    """Runs, newest first."""
    with runtime.database.transaction() as connection:
        return training_runs.page(connection, cursor=cursor, limit=limit)


def stop(runtime: Runtime, run_id: UUID, mode: StopMode) -> TrainingRecord:
    """Ask a run to end: with a checkpoint to go on from, or for good.

    One that waits is cancelled at once. Asking again may change the mode. Raises NotFound, or
    Conflict when it has ended.
    """
    queued, running, stopping = TrainingState.QUEUED, TrainingState.RUNNING, TrainingState.STOPPING
    with runtime.database.transaction() as connection:
        record = _get(connection, run_id)
        done = (
            training_runs.move(connection, run_id, queued, TrainingState.CANCELLED)
            or training_runs.move(connection, run_id, running, stopping, stop_mode=mode)
            or training_runs.move(connection, run_id, stopping, stopping, stop_mode=mode)
        )
        if not done:
            raise Conflict(f"The run has {record.state}; there is nothing to stop.")
        audit.note(runtime, connection, "training.stop", run_id)
        return _get(connection, run_id)


def resume(runtime: Runtime, run_id: UUID) -> TrainingRecord:
    """Go on with a run that was stopped or failed, from its last checkpoint; raises Conflict."""
    fresh: dict[str, object] = {
        "stop_mode": None,
        "error": None,
        "error_code": None,
        "finished_at": None,
    }
    queued = TrainingState.QUEUED
    with runtime.database.transaction() as connection:
        record = _get(connection, run_id)
        starts = (TrainingState.STOPPED, TrainingState.FAILED)
        if not any(
            training_runs.move(connection, run_id, each, queued, **fresh) for each in starts
        ):
            raise Conflict(f"The run is {record.state}; only a stopped or failed one goes on.")
        record = _get(connection, run_id)
        audit.note(runtime, connection, "training.resume", run_id)
    runtime.wake.train(run_id)
    return record


def delete(runtime: Runtime, run_id: UUID) -> None:
    """Remove a run with its folder and its result; raises NotFound, Conflict while it runs."""
    with runtime.database.transaction() as connection:
        record = _get(connection, run_id)
        if not training_runs.delete(connection, run_id):
            raise Conflict(f"The run is {record.state}; stop it first.")
        # Before the end of the transaction: a kill leaves a run without files, never the reverse.
        shutil.rmtree(run_folder(runtime, run_id), ignore_errors=True)
        archive_path(runtime, run_id).unlink(missing_ok=True)
        audit.note(runtime, connection, "training.delete", run_id)


def archive(runtime: Runtime, run_id: UUID) -> tuple[TrainingRecord, Path]:
    """A run that succeeded and the tar of what it left; raises NotFound or Conflict."""
    record = get(runtime, run_id)
    return record, _archive_of(runtime, record)


def _archive_of(runtime: Runtime, record: TrainingRecord) -> Path:
    if record.state is not TrainingState.SUCCEEDED:
        raise Conflict(f"The run is {record.state}; only one that succeeded left a result.")
    if record.dry_run:
        raise Conflict("The run only counted; its plan is all that it left.")
    path = archive_path(runtime, record.id)
    if not path.exists():
        raise NotFound("The result of this run is gone.")
    return path


def like(runtime: Runtime, run_id: UUID) -> TrainingRecord:
    """Train what a dry run counted: queue a run of the same settings; raises as `request`."""
    record = get(runtime, run_id)
    if record.export_id is None:
        raise Conflict("The export of this run was deleted, so it cannot be trained on.")
    wish = TrainingWish(
        export_id=record.export_id,
        base_model=record.base_model,
        method=record.method,
        settings=record.settings,
        held_out=record.held_out,
    )
    return request(runtime, wish)


def result_files(runtime: Runtime, run_id: UUID) -> Mapping[str, Path]:
    """The files that a run left, by their path below its folder; raises NotFound or Conflict."""
    return files_of(runtime, get(runtime, run_id))


def files_of(runtime: Runtime, record: TrainingRecord) -> Mapping[str, Path]:
    """The same of a run that is at hand."""
    _archive_of(runtime, record)
    folder = result_folder(runtime, record)
    whole = [path for name in RESULTS for path in (folder / name, *(folder / name).rglob("*"))]
    return {str(path.relative_to(folder)): path for path in sorted(whole) if path.is_file()}


def run_folder(runtime: Runtime, run_id: UUID) -> Path:
    """Where a run has its data, its checkpoints and its result."""
    return runtime.training_directory / str(run_id)


def result_folder(runtime: Runtime, record: TrainingRecord) -> Path:
    """Where in that folder the result is; a worth curve has its material beside it."""
    folder = run_folder(runtime, record.id)
    return folder if record.worth is None else folder / CURVE


def archive_path(runtime: Runtime, run_id: UUID) -> Path:
    """Where the tar of a result lies, or will lie."""
    return runtime.training_directory / f"{run_id}.tar"
