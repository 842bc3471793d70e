"""Training runs over HTTP: ask for one, follow it, stop it, go on with it, download its result."""

from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.file_download import file_response
from app.api.once import OnceOfRequest, tell
from app.api.paging import Cursor, Limit, PageOf, shown_page
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.api.validation import no_such
from app.api.worth import WorthIn
from app.domain.lifecycle import StopMode, TrainingState
from app.domain.stored import TrainingRecord
from app.domain.tuning import Tuning
from app.errors import NotFound
from app.use_cases import training, training_losses

router = APIRouter(prefix="/v1/training-runs", tags=["training"], route_class=StrictRoute)
TAR, ANY = "application/x-tar", "application/octet-stream"
_WHOLE = {"schema": {"type": "string", "format": "binary"}}


class TrainingRunIn(BaseModel):
    """A run to be made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    export_id: str = Field(description="id of the export whose rows are trained on")
    base_model: str = Field(
        max_length=255, description="name of a directory in CULTIVAR_BASE_MODELS"
    )
    method: str = Field(
        default=str(Tuning.LORA), description=f"how it is tuned: {', '.join(Tuning)}"
    )
    settings: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="settings of the trainer, as its page lists them",
    )
    held_out: float = Field(
        default=0.05, ge=0, le=0.9, description="part of the rows kept for evaluation"
    )
    dry_run: bool = Field(
        default=False,
        description="only count rows, tokens, steps, memory and time; the result is `plan`",
    )
    worth: WorthIn | None = Field(
        default=None, description="train by the same recipe on shares of the rows, and compare"
    )


class StopIn(BaseModel):
    """How a run is to end."""

    model_config = ConfigDict(extra="forbid")

    mode: StopMode = Field(
        default=StopMode.SAVE, description="save: it can be gone on with; discard: it cannot"
    )


class TrainingRunOut(BaseModel):
    """A training run."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    export_id: UUID | None = Field(description="null once the export was deleted")
    base_model: str
    method: str
    settings: dict[str, Any]
    held_out: float
    dry_run: bool = Field(description="whether it only counts")
    worth: dict[str, Any] | None = Field(
        description="shares and repeats of a worth curve; null for one training"
    )
    state: TrainingState
    phase: str | None = Field(description="what the trainer does: prepare, load, train, eval, save")
    attempt: int = Field(description="workers that took it so far")
    stop_mode: StopMode | None
    progress: dict[str, Any] | None = Field(description="what the trainer told last")
    plan: dict[str, Any] | None = Field(
        description="what it counted before its first step: tokens, sequences, steps, memory, time"
    )
    metrics: dict[str, Any] | None = Field(
        description="metrics.json, or worth.json, once it succeeded"
    )
    bytes: int | None
    sha256: str | None
    error: str | None
    error_code: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    download: str | None = Field(default=None, description="the result, once it succeeded")


class LossPointOut(BaseModel):
    """The loss after a step, in nats a token: of its own rows, or of held-out ones."""

    model_config = ConfigDict(from_attributes=True)

    step: int
    loss: float | None
    held_out_loss: float | None


class LossesOut(BaseModel):
    """How the loss went."""

    points: list[LossPointOut]


class FileOut(BaseModel):
    """One file of a result."""

    path: str
    bytes: int
    download: str


class FilesOut(BaseModel):
    """The files of a result."""

    items: list[FileOut]


def _shown(record: TrainingRecord) -> TrainingRunOut:
    out = TrainingRunOut.model_validate(record)
    if record.state is TrainingState.SUCCEEDED and not record.dry_run:
        out.download = f"{router.prefix}/{record.id}/download"
    return out


@router.post(
    "", status_code=202, response_model=TrainingRunOut, responses=problems(400, 404, 409, 415, 422)
)
def request_training(
    runtime: RuntimeOfApp, body: TrainingRunIn, response: Response, once: OnceOfRequest
) -> TrainingRunOut:
    """Ask for a run; the worker of the train queue makes it."""
    wish = training.TrainingWish(
        export_id=_id_of(body.export_id),
        base_model=body.base_model,
        method=body.method,
        settings=body.settings,
        held_out=body.held_out,
        dry_run=body.dry_run,
        worth=body.worth and body.worth.plan(),
    )
    record = training.request(runtime, wish, once)
    tell(response, once)
    response.headers["Location"] = f"{router.prefix}/{record.id}"
    return _shown(record)


def _id_of(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError as error:
        raise no_such("export", given) from error


@router.get("", response_model=PageOf[TrainingRunOut], responses=problems(422))
def list_training(
    runtime: RuntimeOfApp, cursor: Cursor = None, limit: Limit = 50
) -> PageOf[TrainingRunOut]:
    """Runs, newest first."""
    return shown_page(training.page(runtime, cursor=cursor, limit=limit), _shown)


@router.get("/{run_id}", response_model=TrainingRunOut, responses=problems(404))
def get_training(runtime: RuntimeOfApp, run_id: UUID) -> TrainingRunOut:
    """One run."""
    return _shown(training.get(runtime, run_id))


@router.post(
    "/{run_id}/stop", response_model=TrainingRunOut, responses=problems(400, 404, 409, 415, 422)
)
def stop_training(runtime: RuntimeOfApp, run_id: UUID, body: StopIn) -> TrainingRunOut:
    """End a run, with a checkpoint to go on from or for good."""
    return _shown(training.stop(runtime, run_id, body.mode))


@router.post("/{run_id}/resume", response_model=TrainingRunOut, responses=problems(404, 409))
def resume_training(runtime: RuntimeOfApp, run_id: UUID) -> TrainingRunOut:
    """Go on with a run that was stopped or failed, from its last checkpoint."""
    return _shown(training.resume(runtime, run_id))


@router.get("/{run_id}/losses", response_model=LossesOut, responses=problems(404))
def get_losses(runtime: RuntimeOfApp, run_id: UUID) -> LossesOut:
    """The loss by step, thinned to 300 points of each kind."""
    found = training_losses.losses(runtime, run_id)
    return LossesOut(points=[LossPointOut.model_validate(each) for each in found])


@router.get("/{run_id}/files", response_model=FilesOut, responses=problems(404, 409))
def list_files(runtime: RuntimeOfApp, run_id: UUID) -> FilesOut:
    """The files of the result, each to be had alone."""
    found = training.result_files(runtime, run_id)
    where = f"{router.prefix}/{run_id}/files"
    items = [
        FileOut(path=name, bytes=path.stat().st_size, download=f"{where}/{quote(name)}")
        for name, path in found.items()
    ]
    return FilesOut(items=items)


@router.get(
    "/{run_id}/files/{path:path}",
    response_class=Response,
    responses={
        200: {"content": {ANY: _WHOLE}},
        206: {"description": "The range asked for", "content": {ANY: _WHOLE}},
        304: {"description": "As the caller has it (If-None-Match)"},
    }
    | problems(404, 409, 416),
    openapi_extra={"x-produces": [ANY]},
)
def download_file(request: Request, runtime: RuntimeOfApp, run_id: UUID, path: str) -> Response:
    """One file of the result."""
    record, found = training.get(runtime, run_id), training.result_files(runtime, run_id)
    if path not in found:
        raise NotFound(f"The run left no file {path}.")
    return file_response(
        request,
        found[path],
        name=found[path].name,
        media_type=ANY,
        etag=f'"{record.sha256}-{path}"',
    )


@router.head("/{run_id}/download", include_in_schema=False)
@router.get(
    "/{run_id}/download",
    response_class=Response,
    responses={
        200: {"content": {TAR: _WHOLE}},
        206: {"description": "The range asked for", "content": {TAR: _WHOLE}},
        304: {"description": "As the caller has it (If-None-Match)"},
    }
    | problems(404, 409, 416),
    openapi_extra={"x-produces": [TAR]},
)
def download_training(request: Request, runtime: RuntimeOfApp, run_id: UUID) -> Response:
    """What the run left as a tar: adapter or model, metrics, report, model card."""
    record, path = training.archive(runtime, run_id)
    return file_response(
        request,
        path,
        name=f"{record.method}-{path.name}",
        media_type=TAR,
        etag=f'"{record.sha256}"',
    )


@router.delete("/{run_id}", status_code=204, response_class=Response, responses=problems(404, 409))
def delete_training(runtime: RuntimeOfApp, run_id: UUID) -> None:
    """Remove a run that has ended, with its folder and its result."""
    training.delete(runtime, run_id)
