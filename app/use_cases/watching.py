"""Watch a job: one look after the other, each in one transaction."""

from dataclasses import dataclass, field
from uuid import UUID

from app.db import counts, jobs, rows, teachers, watching, workers
from app.db.engine import Connection
from app.domain.gates import Gate, merged
from app.domain.stored import JobProgress
from app.domain.watching import JobLook, LastError
from app.errors import NotFound
from app.runtime import Runtime
from app.use_cases.jobs import progress_of

NEWEST = 3
LAST_ERROR_EVERY_S = 2.0
_INSTANCES = 5


def gate(runtime: Runtime, teacher_id: UUID | None) -> Gate | None:
    """How the fleet's gate to a teacher stands; None while no worker holds calls for it."""
    with runtime.database.transaction() as connection:
        return _gate(runtime, connection, teacher_id)


def _gate(runtime: Runtime, connection: Connection, teacher_id: UUID | None) -> Gate | None:
    if teacher_id is None:
        return None
    told = workers.gates(connection, lease_s=runtime.settings.lease_s)
    return merged(told).get(str(teacher_id))


def pulse(runtime: Runtime, job_id: UUID) -> str | None:
    """A text that changes with what is told of a job and its gate; None where there is none."""
    with runtime.database.transaction() as connection:
        return watching.pulse(connection, job_id, lease_s=runtime.settings.lease_s)


def _newest_rows(connection: Connection, job_id: UUID) -> list[str]:
    """The newest instructions, each once, however many instances it has."""
    found = rows.newest(connection, job_id, NEWEST * _INSTANCES)
    return [*dict.fromkeys(row.instruction for row in found)][:NEWEST]


@dataclass
class Watch:
    """Looks at one job; the last error is only looked for when there are new ones."""

    runtime: Runtime
    job_id: UUID
    _errors: int = 0
    _looked_s: float = float("-inf")
    _last: LastError | None = field(default=None)

    def look(self) -> JobLook:
        """The job as it stands; raises NotFound."""
        with self.runtime.database.transaction() as connection:
            job = jobs.get(connection, self.job_id)
            if job is None:
                raise NotFound(f"There is no job {self.job_id}.")
            counted = counts.of_job(connection, self.job_id)
            progress = progress_of(job, counted)
            teacher = job.teacher_id and teachers.get(connection, job.teacher_id)
            return JobLook(
                progress=progress,
                slots=counted.get("slot", {}),
                teacher_name=teacher.name if teacher else "",
                gate=_gate(self.runtime, connection, job.teacher_id),
                newest_rows=_newest_rows(connection, self.job_id),
                newest_drops=watching.newest_drops(connection, self.job_id, NEWEST),
                last_error=self._last_error(connection, progress),
            )

    def _last_error(self, connection: Connection, progress: JobProgress) -> LastError | None:
        errors, now_s = sum(progress.errors.values()), self.runtime.monotonic_s()
        if errors != self._errors and now_s - self._looked_s >= LAST_ERROR_EVERY_S:
            self._errors, self._looked_s = errors, now_s
            self._last = watching.last_error(connection, self.job_id)
        return self._last
