"""Rows of finished jobs for a job that mixes them, read some ahead in the order laid out."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.db import job_sources, jobs
from app.db.engine import Connection
from app.domain.lifecycle import JobState
from app.domain.materials import FROM_JOB, FROM_ROW, MixedSource, MixedSources
from app.domain.records import Instance, Message, Role, Source, SourceKind
from app.domain.stored import Job
from app.runtime import Runtime
from app.use_cases.stock import FEWEST_READY, ReadySources

_AT_ONCE = 500


class MixedStock:
    """The mixture of a job, once it is laid out."""

    def __init__(self, job: Job) -> None:
        self._job_id = job.id
        self._ready = ReadySources(None)

    @property
    def sources(self) -> Sequence[Source]:
        return self._ready

    def ready(self, first: int, wanted: int) -> int:
        return self._ready.ready(first, wanted)

    def close(self) -> None:
        """Nothing is held."""

    def prepare(self, runtime: Runtime, first: int) -> None:
        self._ready.forget_before(first)
        begin = self._ready.next_missing(first)
        if begin - first >= FEWEST_READY:
            return
        with runtime.database.transaction() as connection:
            if self._ready.total is None:
                self._ready.total = self._laid_out(connection)
            found = job_sources.taken(connection, self._job_id, begin, _AT_ONCE)
        for number, rows in enumerate(found, begin):
            self._ready.put(number, _group(rows))

    def _laid_out(self, connection: Connection) -> int | None:
        """How much there is to take; None while the job has not begun."""
        job = jobs.get(connection, self._job_id)
        if job is None or job.state is JobState.QUEUED:
            return None
        return job_sources.laid_out(connection, self._job_id)


def _group(rows: Sequence[Mapping[str, Any]]) -> MixedSources:
    members = tuple(map(mixed_source, rows))
    first = members[0]
    return MixedSources(first.kind, first.id, first.instruction, rows=members)


def mixed_source(row: Mapping[str, Any]) -> MixedSource:
    """A stored row as a source."""
    messages: Sequence[Mapping[str, str]] = row["messages"] or ()
    came = {FROM_JOB: str(row["job_id"]), FROM_ROW: str(row["id"])}
    instance = Instance(
        row["input"],
        row["output"],
        messages=tuple(Message(Role(said["role"]), said["content"]) for said in messages),
        facts={**(row["facts"] or {}), **came},
    )
    return MixedSource(
        kind=SourceKind.ROW,
        id=str(row["id"]),
        instruction=row["instruction"],
        is_classification=row["is_classification"],
        row=instance,
    )
