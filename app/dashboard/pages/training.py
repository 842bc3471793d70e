"""Training runs: ask for one, follow its loss, stop it, go on with it, download what it left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.dashboard.forms import Form, Reading, SentForm, by_field
from app.dashboard.live import BoardOfApp, Look, first_sight, polled
from app.dashboard.loss_chart import loss_curves
from app.dashboard.option_fields import ShownOption, read_options, shown_options
from app.dashboard.rendering import page, rendered
from app.dashboard.worth_curve import worth_so_far
from app.domain.lifecycle import OPEN_TRAINING_STATES, ExportState, StopMode, TrainingState
from app.domain.options import OptionField
from app.domain.stored import ExportRecord, TrainingRecord
from app.domain.training_config import config_fields
from app.domain.tuning import METHOD_OPTIONS, TUNING_METHODS, Tuning
from app.domain.tuning_results import before_and_after, verdict_words
from app.domain.worth import WorthPlan
from app.errors import CultivarError, InvalidInput, Problem
from app.runtime import Runtime
from app.use_cases import exports, training, training_losses

PAGE_SIZE = 25
EXPORTS_OFFERED = 100
LIST = "/dashboard/training"
# Of the settings that every method has, those that people change; the others are folded away.
_OFFERED = ("epochs", "learning_rate", "batch_size", "max_length", "seed", "merge")
_BESIDE = {"base_model", "method"}
_USUAL_HELD_OUT, _MOST_HELD_OUT = 0.05, 0.9

router = page_router()


@dataclass(frozen=True, slots=True)
class TrainingLook(Look):
    """One training run."""

    run_id: UUID

    def body(self, runtime: Runtime) -> bytes:
        """The run as it stands."""
        run = training.get(runtime, self.run_id)
        poll_s = 2 if run.state in OPEN_TRAINING_STATES else 15
        return rendered("training_run_fragment.html", poll_s=poll_s, **_seen(runtime, run)).encode()


def _seen(runtime: Runtime, run: TrainingRecord) -> Mapping[str, object]:
    """What the page shows of a run: its course, and what became better or worse."""
    evaluation = (run.metrics or {}).get("evaluation")
    measured = cast("Mapping[str, Any]", evaluation if isinstance(evaluation, Mapping) else {})
    whole = run.state is TrainingState.SUCCEEDED and not run.dry_run
    return {
        "run": run,
        "left_s": _left_s(run),
        "curves": loss_curves(training_losses.losses_of(runtime, run)),
        "measures": before_and_after(measured),
        "verdict": verdict_words(measured["verdict"]) if measured else (),
        "samples": measured.get("samples", ()),
        "overlap": measured.get("overlap"),
        "files": _files(runtime, run) if whole else (),
        "worth": worth_so_far(runtime, run),
    }


def _left_s(run: TrainingRecord) -> float | None:
    """Seconds to the last step at the pace so far; None where it is not known.

    The pace is that of the tokens since the trainer began, so it is told of first attempts alone.
    """
    told = run.progress or {}
    step, steps, tokens, rate = (
        told.get(each) for each in ("step", "max_steps", "tokens", "tok_s")
    )
    if run.state is not TrainingState.RUNNING or run.attempt > 1 or not (step and tokens and rate):
        return None
    passed_s = cast("float", tokens) / cast("float", rate)
    return passed_s * (cast("int", steps) - cast("int", step)) / cast("int", step)


def _files(runtime: Runtime, run: TrainingRecord) -> Sequence[tuple[str, int]]:
    """The files of the result with their sizes; none where they are gone."""
    try:
        found = training.files_of(runtime, run)
    except CultivarError:
        return ()
    return [(name, path.stat().st_size) for name, path in found.items()]


@router.get(LIST)
def run_list(
    runtime: RuntimeOfApp, export: str = "", method: str = "lora", cursor: str | None = None
) -> Response:
    """Runs, newest first, and the form of another."""
    form = Form({"export_id": [export], "method": [method]})
    return _list(runtime, form, cursor=cursor)


@router.post(LIST, dependencies=from_our_pages)
def request_run(runtime: RuntimeOfApp, form: SentForm) -> Response:
    """Ask for a run. The other button shows another method's settings."""
    if form.text("action") == "method":
        return _list(runtime, form)
    reading = Reading(form)
    wish = training.TrainingWish(
        export_id=reading.required_id("export_id"),
        base_model=form.text("base_model"),
        method=form.text("method"),
        settings=read_options(_fields(form.text("method")), form),
        held_out=_held_out(reading),
        dry_run=form.text("action") == "count",
        worth=_plan(reading) if form.text("action") == "worth" else None,
    )
    problems: Sequence[Problem] = reading.problems
    try:
        if not problems:
            run = training.request(runtime, wish)
            return RedirectResponse(f"{LIST}/{run.id}", status_code=303)
    except InvalidInput as error:
        problems = [_of_form(each) for each in error.problems]
    except CultivarError as error:
        problems = [Problem("/export_id", error.code, error.detail)]
    return _list(runtime, form, problems)


def _held_out(reading: Reading) -> float:
    """The part of the rows kept for evaluation."""
    found = reading.number("held_out", _USUAL_HELD_OUT)
    if 0 <= found <= _MOST_HELD_OUT:
        return found
    reading.refuse("held_out", "out_of_range", f"must be from 0 to {_MOST_HELD_OUT}, not {found:g}")
    return _USUAL_HELD_OUT


def _plan(reading: Reading) -> WorthPlan:
    """The worth curve that the form asks for."""
    try:
        shares = [float(each) for each in (reading.form.text("worth/shares") or "1").split(",")]
    except ValueError:
        shares = []
    repeats = reading.integer("worth/repeats", WorthPlan().repeats)
    return WorthPlan(shares=tuple(shares), repeats=repeats or 0)


def _fields(method: str) -> Sequence[OptionField]:
    """The settings of a method."""
    known = Tuning(method) if method in tuple(Tuning) else None
    return [each for each in config_fields(known) if each.name not in _BESIDE]


def _is_common(shown: ShownOption) -> bool:
    """Whether it is one that people change, or the method's own."""
    return shown.field.name in {*_OFFERED, *METHOD_OPTIONS}


def _of_form(problem: Problem) -> Problem:
    """A problem of the settings at the field of the form that it is about."""
    pointer = problem.pointer.replace("/settings/", "/options/", 1)
    return Problem(pointer, problem.code, problem.detail)


def _list(
    runtime: Runtime, form: Form, problems: Sequence[Problem] = (), *, cursor: str | None = None
) -> Response:
    found = training.page(runtime, cursor=cursor, limit=PAGE_SIZE)
    method = form.text("method")
    chosen = Tuning(method) if method in tuple(Tuning) else Tuning.LORA
    settings = shown_options(_fields(chosen), {}, form).own
    wrong = by_field(problems)
    others = [each for each in settings if not _is_common(each)]
    return page(
        "training.html",
        422 if problems else 200,
        runs=found.items,
        next=found.next,
        cursor=cursor,
        exports=_offered(runtime),
        bases=list(training.base_models(runtime)),
        methods=TUNING_METHODS,
        chosen=chosen,
        about=TUNING_METHODS[chosen],
        options=[each for each in settings if _is_common(each)],
        others=others,
        is_told=any(each.given.strip() or each.name in wrong for each in others),
        form=form,
        problems=problems,
        wrong=wrong,
    )


def _offered(runtime: Runtime) -> Sequence[ExportRecord]:
    """The newest exports that can be trained on."""
    found = exports.page(runtime, limit=EXPORTS_OFFERED).items
    ready = ExportState.READY
    return [each for each in found if each.state is ready and each.format in training.HANDED]


def _stored(runtime: RuntimeOfApp, run_id: UUID) -> TrainingRecord:
    return training.get(runtime, run_id)


@router.get(LIST + "/{run_id}")
async def one_run(board: BoardOfApp, run: Annotated[TrainingRecord, Depends(_stored)]) -> Response:
    """One run."""
    return page("training_run.html", **await first_sight(board, TrainingLook(run.id)), run=run)


@router.get(LIST + "/{run_id}/fragment")
async def one_run_fragment(request: Request, board: BoardOfApp, run_id: UUID) -> Response:
    """The part of it that changes."""
    return await polled(request, board, TrainingLook(run_id))


@router.post(LIST + "/{run_id}/train", dependencies=from_our_pages)
def train_like(runtime: RuntimeOfApp, run_id: UUID) -> Response:
    """Train what a dry run counted."""
    return RedirectResponse(f"{LIST}/{training.like(runtime, run_id).id}", status_code=303)


@router.post(LIST + "/{run_id}/stop", dependencies=from_our_pages)
def stop_run(runtime: RuntimeOfApp, run_id: UUID, form: SentForm) -> Response:
    """End a run, with a checkpoint or for good."""
    mode = StopMode.DISCARD if form.text("mode") == StopMode.DISCARD else StopMode.SAVE
    training.stop(runtime, run_id, mode)
    return RedirectResponse(f"{LIST}/{run_id}", status_code=303)


@router.post(LIST + "/{run_id}/resume", dependencies=from_our_pages)
def resume_run(runtime: RuntimeOfApp, run_id: UUID) -> Response:
    """Go on with a run that was stopped or failed."""
    training.resume(runtime, run_id)
    return RedirectResponse(f"{LIST}/{run_id}", status_code=303)


@router.post(LIST + "/{run_id}/delete", dependencies=from_our_pages)
def delete_run(runtime: RuntimeOfApp, run_id: UUID) -> Response:
    """Remove a run that has ended, with its files."""
    training.delete(runtime, run_id)
    return RedirectResponse(LIST, status_code=303)
