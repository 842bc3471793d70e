"""Exports: ask for one, make it, read it, delete it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID

from app.db import counts, exports, jobs, rows, seed_sets, teachers
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.format import Format
from app.domain.formats import FORMATS
from app.domain.lifecycle import ExportState, JobState
from app.domain.options import options_as_dict, parse_options
from app.domain.records import Row
from app.domain.stored import ExportRecord, Job, Page, RowRecord
from app.errors import Conflict, CultivarError, InvalidInput, NotFound, Problem
from app.files.export_writer import write_export
from app.runtime import Runtime

MANIFEST_SCHEMA = 1


def request(
    runtime: Runtime,
    job_id: UUID,
    format_name: str,
    options: Mapping[str, object] | None = None,
) -> ExportRecord:
    """Queue an export of the first target rows by order; raises NotFound or InvalidInput."""
    chosen = _format(format_name, options or {})
    export_id = new_id()
    values: dict[str, object] = {
        "id": export_id,
        "job_id": job_id,
        "format": format_name,
        "options": options_as_dict(chosen),
        "state": ExportState.QUEUED,
    }
    with runtime.database.transaction() as connection:
        if jobs.get(connection, job_id) is None:
            raise NotFound(f"There is no job {job_id}.")
        exports.insert(connection, values)
        record = _get(connection, export_id)
    runtime.wake.export(export_id)
    return record


def _format(name: str, options: Mapping[str, object]) -> Format:
    if name not in FORMATS:
        problems = (Problem("/format", "unknown_format", f"known: {', '.join(FORMATS)}"),)
        raise InvalidInput("The export cannot be made.", problems=problems)
    chosen, problems = parse_options(FORMATS[name], options)
    if chosen is None:
        raise InvalidInput("The export cannot be made.", problems=problems)
    return chosen


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
    if record.state is not ExportState.READY:
        raise Conflict(f"The export is {record.state}; only a ready one can be downloaded.")
    path = export_path(runtime, record)
    if not path.exists():
        raise NotFound("The file of this export is gone. Ask for a new export of the job.")
    return record, path


def export_path(runtime: Runtime, record: ExportRecord) -> Path:
    """Where the file of an export lies, or will lie."""
    return runtime.exports_directory / f"{record.id}{FORMATS[record.format].file_suffix}"


def delete(runtime: Runtime, export_id: UUID) -> None:
    """Remove an export and its file; raises NotFound."""
    with runtime.database.transaction() as connection:
        if not exports.delete(connection, export_id):
            raise NotFound(f"There is no export {export_id}.")
    for path in runtime.exports_directory.glob(f"{export_id}*"):
        path.unlink(missing_ok=True)


def make(runtime: Runtime, export_id: UUID) -> None:
    """Write the file of a queued export; a message that comes twice finds nothing to do."""
    with runtime.database.transaction() as connection:
        if not exports.claim(connection, export_id):
            return
        record = _get(connection, export_id)
        manifest = _manifest(connection, record)
    try:
        ending = _write(runtime, record, manifest)
    except CultivarError as error:
        ending = {
            "state": ExportState.FAILED,
            "error": error.detail,
            "error_code": error.code,
        }
    with runtime.database.transaction() as connection:
        exports.finish(connection, export_id, ending)


def _write(
    runtime: Runtime, record: ExportRecord, manifest: Mapping[str, object]
) -> Mapping[str, object]:
    export_format = _format(record.format, record.options)
    limit = int(str(manifest["target_rows"]))
    lines = (export_format.line(_row(each)) for each in _rows(runtime, record.job_id, limit))
    written = write_export(
        runtime.exports_directory,
        str(record.id),
        lines,
        manifest=manifest,
        suffix=export_format.file_suffix,
    )
    return {
        "state": ExportState.READY,
        "row_count": written.rows,
        "bytes": written.bytes,
        "sha256": written.sha256,
        "manifest": {**manifest, "rows": written.rows, "sha256": written.sha256},
    }


def _rows(runtime: Runtime, job_id: UUID, limit: int) -> Iterator[RowRecord]:
    """Accepted rows in order; each page is a transaction of its own, so none is long."""
    key, left, page_size = (-1, -1), limit, 2000
    while left > 0:
        wanted = min(page_size, left)
        with runtime.database.transaction() as connection:
            found = rows.accepted_after(connection, job_id, key, wanted)
        yield from found
        if len(found) < wanted:
            return
        left -= len(found)
        key = (found[-1].pool_seq, found[-1].position)


def _row(record: RowRecord) -> Row:
    return Row(
        id=str(record.id),
        instruction=record.instruction,
        input=record.input,
        output=record.output,
        is_classification=record.is_classification,
    )


def _manifest(connection: Connection, record: ExportRecord) -> Mapping[str, object]:
    """What made the rows; nothing in it changes while the job's state does not."""
    job = jobs.get(connection, record.job_id)
    if job is None:
        raise NotFound(f"There is no job {record.job_id}.")
    seed_set = seed_sets.get(connection, job.seed_set_id)
    teacher = teachers.get(connection, job.teacher_id)
    tallies = counts.of_job(connection, job.id)
    return {
        "schema": MANIFEST_SCHEMA,
        "format": record.format,
        "format_options": record.options,
        "target_rows": job.target_rows,
        "simulated": job.simulated,
        "job": _job_facts(job),
        "seed_set": None
        if seed_set is None
        else {
            "id": str(seed_set.id),
            "name": seed_set.name,
            "language": seed_set.language,
            "licence": seed_set.licence,
            "source": seed_set.source,
            "sha256": seed_set.sha256,
            "rows": seed_set.row_count,
            "tokens": seed_set.tokens,
        },
        "teacher": None
        if teacher is None
        else {
            "name": teacher.name,
            "model": teacher.model,
            "terms": teacher.terms,
            "simulated": teacher.simulated,
        },
        "counts": {family: dict(names) for family, names in tallies.items()},
    }


def _job_facts(job: Job) -> Mapping[str, object]:
    names = ["name", "method", "profile", "options", "random_seed", "state", "reason", "calls"]
    facts = {name: getattr(job, name) for name in [*names, "spent_micro_usd"]}
    finished = job.finished_at if job.state is not JobState.RUNNING else None
    return {
        "id": str(job.id),
        **facts,
        "created_at": job.created_at.isoformat(),
        "finished_at": finished.isoformat() if finished else None,
    }


def waiting(runtime: Runtime) -> list[UUID]:
    """Exports that somebody should make."""
    with runtime.database.transaction() as connection:
        return exports.waiting(connection)
