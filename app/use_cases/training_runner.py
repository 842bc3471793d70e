"""One training run from a worker's side: take it, hand it over, follow the trainer, record it.

A lease in Postgres says whose the run is. Whoever cannot prolong it ends its trainer, so two never
train in one folder; whoever finds it run out goes on from the last checkpoint.
"""

import hashlib
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import structlog

from app.db import exports, training_runs
from app.domain.lifecycle import StopMode, TrainingState
from app.domain.stored import ExportRecord, TrainingRecord
from app.domain.training_ending import Ending
from app.domain.worth import Arm
from app.errors import CultivarError, InvalidInput, NotFound, Unavailable
from app.files.handoff_folder import is_complete
from app.runtime import Runtime
from app.use_cases.exports import export_path
from app.use_cases.handoff import Wishes, hand_over
from app.use_cases.heartbeat import this_host
from app.use_cases.training import (
    CURVE,
    RESULTS,
    archive_path,
    base_models,
    result_folder,
    run_folder,
    trainer_settings,
)
from app.use_cases.training_process import Ended, Listener, find_python, run_training
from app.use_cases.worth import RESULT, measure_worth
from app.use_cases.worth_material import gather, is_gathered, wish_of

_MOST_LOST = 3
_HOLD_S = 0.5
_log = structlog.get_logger(__name__)


class _Fenced(Exception):
    """The run is somebody else's now, or nobody could be told for a whole lease."""


def train(runtime: Runtime, run_id: UUID, leaving: threading.Event | None = None) -> None:
    """Train a run to its end; a message that comes twice finds nothing to do.

    When `leaving` is set the trainer saves, and the run is queued again for another worker.
    """
    me = f"{this_host()}:{os.getpid()}"
    with runtime.database.transaction() as connection:
        lease_s = runtime.settings.lease_s
        attempt = training_runs.claim(connection, run_id, worker=me, lease_s=lease_s)
        if attempt is None:
            return
        record = training_runs.get(connection, run_id)
    assert record is not None  # noqa: S101 - it was claimed in this transaction
    _log.info("training_begins", run=str(run_id), attempt=attempt)
    one = _Attempt(runtime, record, leaving or threading.Event())
    try:
        state, values = one.run()
    except _Fenced:
        _log.warning("training_fenced", run=str(run_id), attempt=attempt)
        return
    except CultivarError as error:
        state, values = TrainingState.FAILED, {"error": error.detail, "error_code": error.code}
    with runtime.database.transaction() as connection:
        kept = training_runs.finish(connection, run_id, attempt, state, values)
    _log.info("training_ended", run=str(run_id), attempt=attempt, state=str(state), kept=kept)


class _Attempt:
    """What one worker does with a run that it has taken."""

    def __init__(self, runtime: Runtime, record: TrainingRecord, leaving: threading.Event) -> None:
        self._runtime, self._record, self._leaving = runtime, record, leaving
        self._stop = threading.Event()
        self._mode: StopMode | None = None
        self._told: Mapping[str, object] = {}
        self._renewed_s = runtime.monotonic_s()

    def run(self) -> tuple[TrainingState, Mapping[str, object]]:
        """How it ended and what is to be recorded; raises _Fenced, or CultivarError."""
        if self._record.lost >= _MOST_LOST:
            raise InvalidInput(
                f"{_MOST_LOST} workers were lost with this run, one after the other; it may be "
                "what kills them. Look into trainer.log, then resume it.",
                code="worker_lost",
            )
        python = find_python(self._runtime.settings.train_python)
        folder = run_folder(self._runtime, self._record.id)
        if self._record.worth is not None:
            return self._outcome(folder, self._curve(folder, python))
        with self._holding():
            self._hand_over(folder)
        wanted = ("--dry-run",) if self._record.dry_run else ()
        ended = run_training(
            folder, python, arguments=wanted, hear=self._hear, tick=self._tick, stop=self._stop
        )
        return self._outcome(folder, ended)

    def _curve(self, folder: Path, python: Path) -> Ended:
        """Every training of a worth curve that is not done yet."""
        record, base = self._record, self._base()
        with self._holding():
            if not is_gathered(folder):
                gather(self._runtime, self._export(), folder)
            wish = wish_of(folder, record, trainer_settings(base, record.method, record.settings))
            numbers = {each: number for number, each in enumerate(wish.arms(), 1)}

            def heard(arm: Arm) -> Listener:
                told = {"arm": arm.name, "run": numbers[arm], "runs": len(numbers)}
                return lambda line: self._hear({**line, **told})

            target = folder / CURVE
            return measure_worth(target, wish, python, hear=heard, stop=self._stop, tick=self._tick)

    def _base(self) -> Path:
        found = base_models(self._runtime).get(self._record.base_model)
        if found is None:
            raise InvalidInput(f"This worker has no base model {self._record.base_model}.")
        return found

    def _hand_over(self, folder: Path) -> None:
        """Make the run's folder, once: however often it starts, it trains on the same rows."""
        if is_complete(folder):
            return
        record, part = self._record, folder.with_name(f".{folder.name}.{self._record.attempt}")
        base, export = self._base(), self._export()
        source, manifest = export_path(self._runtime, export), export.manifest or {}
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        settings = trainer_settings(base, record.method, record.settings)
        wishes = Wishes(held_out=record.held_out, exported=manifest)
        hand_over(source, part, settings, wishes)
        part.replace(folder)

    def _export(self) -> ExportRecord:
        export_id = self._record.export_id
        with self._runtime.database.transaction() as connection:
            export = None if export_id is None else exports.get(connection, export_id)
        if export is None:
            raise NotFound("The export of this run is gone, and its rows were not copied yet.")
        return export

    def _hear(self, line: Mapping[str, object]) -> None:
        self._told = {**self._told, **line}

    def _tick(self) -> None:
        """Prolong the lease now and then, and hear whether somebody asked for a stop."""
        if self._leaving.is_set():
            self._stop.set()
        silent_s = self._runtime.monotonic_s() - self._renewed_s
        if silent_s >= min(self._runtime.settings.heartbeat_s, 1.0):
            self._renew(silent_s)

    def _renew(self, silent_s: float = 0.0) -> None:
        settings, now_s = self._runtime.settings, self._runtime.monotonic_s()
        try:
            with self._runtime.database.transaction() as connection:
                found = training_runs.renew(
                    connection,
                    self._record.id,
                    self._record.attempt,
                    lease_s=settings.lease_s,
                    told=self._told,
                )
        except Unavailable:
            if silent_s >= settings.lease_s:
                raise _Fenced from None
            return
        if found is None:
            raise _Fenced
        self._renewed_s, self._mode = now_s, found.stop_mode
        if found.stop_mode is not None:
            self._stop.set()

    @contextmanager
    def _holding(self) -> Generator[None]:
        """Prolong the lease from a thread while this one copies files."""
        done, lost = threading.Event(), threading.Event()

        def hold() -> None:
            while not done.wait(_HOLD_S):
                try:
                    self._tick()
                except _Fenced:
                    lost.set()
                    return

        thread = threading.Thread(target=hold, name="training-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        if lost.is_set():
            raise _Fenced

    def _outcome(self, folder: Path, ended: Ended) -> tuple[TrainingState, Mapping[str, object]]:
        self._renew()  # somebody may have asked for a stop since the last look
        told: dict[str, object] = {"progress": dict(self._told), "phase": self._told.get("phase")}
        told |= _plan(folder)
        if ended.ending is Ending.DONE:
            with self._holding():
                return TrainingState.SUCCEEDED, {**told, **self._result(folder)}
        if self._mode is StopMode.DISCARD:
            shutil.rmtree(folder, ignore_errors=True)
            return TrainingState.CANCELLED, told
        if ended.overdue:
            told |= {"error": ended.detail, "error_code": "training_too_long"}
            return TrainingState.STOPPED, told
        if ended.ending is Ending.STOPPED:
            left = self._mode is None
            return (TrainingState.QUEUED if left else TrainingState.STOPPED), told
        code = f"training_{ended.ending.name.lower()}"
        return TrainingState.FAILED, {**told, "error": ended.detail, "error_code": code}

    def _result(self, folder: Path) -> Mapping[str, object]:
        """Pack what the run left, and read its numbers; one that only counted leaves no folder."""
        if self._record.dry_run:
            shutil.rmtree(folder, ignore_errors=True)
            return {}
        target = archive_path(self._runtime, self._record.id)
        part, folder = target.with_suffix(".part"), result_folder(self._runtime, self._record)
        with tarfile.open(part, "w") as archive:
            for name in RESULTS:
                if (folder / name).exists():
                    archive.add(folder / name, arcname=name)
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        part.replace(target)
        numbers = "metrics.json" if self._record.worth is None else RESULT
        metrics = json.loads((folder / numbers).read_bytes())
        return {"metrics": metrics, "sha256": digest, "bytes": target.stat().st_size}


def _plan(folder: Path) -> Mapping[str, object]:
    """What the trainer counted, if it came so far."""
    path = folder / "plan.json"
    return {"plan": json.loads(path.read_bytes())} if path.exists() else {}
