"""Exports: ask for one, make it, read it, delete it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import structlog
from structlog.contextvars import bound_contextvars

from app import traces
from app.db import exports, jobs, reviews
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.format import Format
from app.domain.formats import FORMATS
from app.domain.lifecycle import ExportState
from app.domain.options import options_as_dict, parse_options
from app.domain.packaging import Container, Packaging, parse_packaging
from app.domain.stored import ExportRecord, Page
from app.errors import Conflict, CultivarError, InsufficientStorage, InvalidInput, NotFound, Problem
from app.files.containers import check_parquet
from app.runtime import Runtime
from app.use_cases import audit
from app.use_cases.export_files import remove_files
from app.use_cases.export_making import card_path, write
from app.use_cases.export_scores import check_judge
from app.use_cases.held_out import held_out_seeds
from app.use_cases.once import Once
from app.use_cases.provenance import gather

_log = structlog.get_logger(__name__)


def request(
    runtime: Runtime,
    job_id: UUID,
    format_name: str,
    options: Mapping[str, object] | None = None,
    packaging: Mapping[str, object] | None = None,
    once: Once | None = None,
) -> ExportRecord:
    """Queue an export of the first target rows by order; raises NotFound or InvalidInput."""
    chosen, packed = _chosen(format_name, options or {}, packaging or {})
    if packed.container is Container.PARQUET:
        check_parquet()
    export_id = new_id()
    values: dict[str, object] = {
        "id": export_id,
        "job_id": job_id,
        "format": format_name,
        "options": options_as_dict(chosen),
        "packaging": options_as_dict(packed),
        "state": ExportState.QUEUED,
    }
    with runtime.database.transaction() as connection:
        if once and (known_id := once.made_before(connection)):
            return _get(connection, known_id)
        if jobs.get(connection, job_id) is None:
            raise NotFound(f"There is no job {job_id}.")
        check_judge(connection, packed)
        exports.insert(connection, values)
        if once:
            once.made(connection, export_id)
        record = _get(connection, export_id)
        audit.note(runtime, connection, "export.request", export_id, job=str(job_id))
    runtime.wake.export(export_id)
    return record


@dataclass(frozen=True, slots=True)
class ExportPreview:
    """What an export would be if it were made now.

    `rows` counts those of the job; of them the format may have to leave some out, which only the
    making tells, as it tells digest and splits.
    """

    rows: int
    suffix: str
    card: str


def preview(
    runtime: Runtime,
    job_id: UUID,
    format_name: str,
    options: Mapping[str, object] | None = None,
    packaging: Mapping[str, object] | None = None,
) -> ExportPreview:
    """The card of an export before it is made; raises NotFound or InvalidInput."""
    chosen, packed = _chosen(format_name, options or {}, packaging or {})
    if packed.container is Container.PARQUET:
        check_parquet()
    with runtime.database.transaction() as connection:
        provenance = gather(connection, _imagined(job_id, format_name, chosen))
        rows = reviews.population(connection, job_id, provenance.job.target_rows)
    held_out = len(held_out_seeds(runtime, provenance.job))
    card = provenance.card(
        rows=rows, sha256="", left_out={}, rows_by_split={}, paths={}, held_out=held_out
    )
    return ExportPreview(rows, packed.suffix(chosen), card)


def _imagined(job_id: UUID, format_name: str, chosen: Format) -> ExportRecord:
    """An export that is not stored."""
    return ExportRecord(
        id=new_id(),
        job_id=job_id,
        format=format_name,
        options=options_as_dict(chosen),
        packaging={},
        state=ExportState.QUEUED,
        row_count=None,
        bytes=None,
        sha256=None,
        manifest=None,
        error=None,
        error_code=None,
        created_at=datetime.now(UTC),
        finished_at=None,
    )


def _chosen(
    name: str, options: Mapping[str, object], packaging: Mapping[str, object]
) -> tuple[Format, Packaging]:
    if name not in FORMATS:
        problems = (Problem("/format", "unknown_format", f"known: {', '.join(FORMATS)}"),)
        raise InvalidInput("The export cannot be made.", problems=problems)
    chosen, problems = parse_options(FORMATS[name], options)
    packed, misfits = parse_packaging(packaging, chosen or FORMATS[name]())
    if chosen is None or packed is None:
        raise InvalidInput("The export cannot be made.", problems=(*problems, *misfits))
    return chosen, packed


def _get(connection: Connection, export_id: UUID) -> ExportRecord:
    found = exports.get(connection, export_id)
    if found is None:
        raise NotFound(f"There is no export {export_id}.")
    return found


def get(runtime: Runtime, export_id: UUID) -> ExportRecord:
    """One export; raises NotFound."""
    with runtime.database.transaction() as connection:
        return _get(connection, export_id)


def page(
    runtime: Runtime, *, job_id: UUID | None = None, cursor: str | None = None, limit: int = 50
) -> Page[ExportRecord]:
    """Exports, newest first."""
    with runtime.database.transaction() as connection:
        return exports.page(connection, job_id=job_id, cursor=cursor, limit=limit)


def file(runtime: Runtime, export_id: UUID) -> tuple[ExportRecord, Path]:
    """A finished export and where its file lies; raises NotFound, or Conflict until it is ready."""
    record = get(runtime, export_id)
    return record, _file_of(runtime, record)


def _file_of(runtime: Runtime, record: ExportRecord) -> Path:
    if record.state is not ExportState.READY:
        raise Conflict(f"The export is {record.state}; only a ready one can be downloaded.")
    path = export_path(runtime, record)
    if not path.exists():
        raise NotFound("The file of this export is gone. Ask for a new export of the job.")
    return path


def card(runtime: Runtime, export_id: UUID) -> str:
    """The dataset card of a finished export, as Markdown; raises NotFound or Conflict."""
    return card_of(runtime, get(runtime, export_id))


def card_of(runtime: Runtime, record: ExportRecord) -> str:
    """The same of an export that is at hand."""
    _file_of(runtime, record)
    return card_path(runtime, record).read_text(encoding="utf-8")


def export_path(runtime: Runtime, record: ExportRecord) -> Path:
    """Where the file of an export lies, or will lie."""
    return runtime.exports_directory / f"{record.id}{packed_as(record)}"


def packed_as(record: ExportRecord) -> str:
    """The suffix of the file of an export."""
    chosen, packed = _chosen(record.format, record.options, record.packaging)
    return packed.suffix(chosen)


def delete(runtime: Runtime, export_id: UUID) -> None:
    """Remove an export and its file; raises NotFound."""
    with runtime.database.transaction() as connection:
        if not exports.delete(connection, export_id):
            raise NotFound(f"There is no export {export_id}.")
        remove_files(runtime, [export_id])
        audit.note(runtime, connection, "export.delete", export_id)


def make(runtime: Runtime, export_id: UUID) -> None:
    """Write the file of a queued export; a message that comes twice finds nothing to do."""
    with runtime.database.transaction() as connection:
        if not exports.claim(connection, export_id):
            return
        record = _get(connection, export_id)
        provenance = gather(connection, record)
    ids = {"export": str(export_id), "job": str(record.job_id)}
    try:
        with bound_contextvars(**ids), traces.span("export", **ids):
            chosen = _chosen(record.format, record.options, record.packaging)
            ending = write(runtime, provenance, *chosen)
    except CultivarError as error:
        _log.warning("export_failed", **ids, code=error.code)
        if isinstance(error, InsufficientStorage):
            remove_files(runtime, [export_id])  # the card may have found no room beside its rows
        ending = {
            "state": ExportState.FAILED,
            "error": error.detail,
            "error_code": error.code,
        }
    with runtime.database.transaction() as connection:
        exports.finish(connection, export_id, ending)
