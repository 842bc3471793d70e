"""What a worth curve of the service learns from: an export, its job's seeds, unfiltered rows."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import orjson

from app.db import jobs, rows
from app.db.rows import ExportedRow
from app.domain.format import fitting_lines
from app.domain.formats import FORMATS
from app.domain.lifecycle import RowState
from app.domain.methods import METHODS
from app.domain.options import parse_options
from app.domain.records import Row, Source
from app.domain.splitting import TRAIN
from app.domain.stored import ExportRecord, Job, RowRecord, TrainingRecord
from app.domain.worth import stored_plan
from app.errors import NotFound
from app.runtime import Runtime
from app.use_cases.export_rows import as_row
from app.use_cases.exports import export_path
from app.use_cases.job_context import read_seeds
from app.use_cases.worth import WorthWish

_MATERIAL, _ROWS, _SEEDS, _POOL = "material", "rows", "seeds.jsonl", "pool.jsonl"
_PAGE = 2000


def is_gathered(folder: Path) -> bool:
    """Tell whether the material of a run lies there, whole."""
    return (folder / _MATERIAL).is_dir()


def gather(runtime: Runtime, export: ExportRecord, folder: Path) -> None:
    """Copy it into the run's folder, once: the curve outlives export and job.

    Seeds are those that the teacher was shown; the pool has every row with an answer, whatever the
    filters said of it, and there is none where they dropped no answer. Raises NotFound.
    """
    part = folder / f".{_MATERIAL}"
    shutil.rmtree(folder, ignore_errors=True)
    part.mkdir(parents=True)
    source = export_path(runtime, export)
    copied = part / f"{_ROWS}{''.join(source.suffixes)}"
    shutil.copyfile(source, copied)
    beside = copied.with_name(f"{copied.name}.manifest.json")
    beside.write_text(json.dumps(export.manifest or {}), encoding="utf-8")
    with runtime.database.transaction() as connection:
        job = jobs.get(connection, export.job_id)
    if job is None:
        raise NotFound(f"The job {export.job_id} is gone, and with it its seeds.")
    _write(part / _SEEDS, _seeds(runtime, job))
    if any(_answered(runtime, job, RowState.REJECTED)):
        _write(part / _POOL, _pool(runtime, job, export))
    part.rename(folder / _MATERIAL)


def wish_of(folder: Path, record: TrainingRecord, settings: Mapping[str, object]) -> WorthWish:
    """What is measured, of what was gathered."""
    plan, material = stored_plan(record.worth or {}), folder / _MATERIAL
    data = next(
        each
        for each in sorted(material.glob(f"{_ROWS}.*"))
        if not each.name.endswith(".manifest.json")
    )
    seeds, pool = material / _SEEDS, material / _POOL
    return WorthWish(
        data=data,
        settings=settings,
        shares=plan.shares,
        repeats=plan.repeats,
        seeds=seeds if plan.seeds and seeds.exists() else None,
        pool=pool if plan.pool and pool.exists() else None,
        held_out=record.held_out,
    )


def _write(path: Path, lines: Iterable[Mapping[str, object]]) -> None:
    """Write them; without a line there is no file."""
    with path.open("wb") as file:
        for line in lines:
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE, default=str))
    if not path.stat().st_size:
        path.unlink()


def _seeds(runtime: Runtime, job: Job) -> Iterator[Mapping[str, object]]:
    """The seeds that the teacher saw and that have an answer, one line for each of these."""
    if job.seed_set_id is None or job.method not in METHODS:
        return
    method, _ = parse_options(METHODS[job.method], job.options)
    with runtime.database.transaction() as connection:
        whole = read_seeds(connection, job.seed_set_id)
    share = method.held_out_share if method else 0.0
    for seed in whole.parted(share, job.random_seed)[0].ordered:
        yield from _tasks(seed)


def _tasks(seed: Source) -> Iterator[Mapping[str, object]]:
    for number, each in enumerate(seed.instances):
        if each.output:
            yield {
                "id": f"{seed.id}-{number}",
                "instruction": seed.instruction,
                "input": each.input,
                "output": each.output,
                "is_classification": bool(seed.is_classification),
            }


def _pool(runtime: Runtime, job: Job, export: ExportRecord) -> Iterator[Mapping[str, object]]:
    """Every row in the export's own format, so that the layouts are the same."""
    chosen, problems = parse_options(FORMATS[export.format], export.options)
    if chosen is None:
        raise NotFound(f"The export's options are no longer known: {problems}.")
    for _, line in fitting_lines(chosen, _every_row(runtime, job), Counter()):
        yield {name: value for name, value in line.items() if name != "split"}


def _every_row(runtime: Runtime, job: Job) -> Iterator[Row]:
    for state in RowState:
        for each in _answered(runtime, job, state):
            values = {name: getattr(each, name) for name in ExportedRow._fields}
            yield as_row(ExportedRow(**values), TRAIN)


def _answered(runtime: Runtime, job: Job, state: RowState) -> Iterator[RowRecord]:
    """The rows of a state that have an answer, in pages of a transaction each."""
    key = (-1, -1)
    while True:
        with runtime.database.transaction() as connection:
            found = rows.in_state_after(connection, job.id, state, key, _PAGE)
        yield from (each for each in found if each.output)
        if len(found) < _PAGE:
            return
        key = (found[-1].pool_seq, found[-1].position)
