"""What settled calls mean for their whole job: a teacher, a price or a cap that calls for a pause.

Asked in the transaction that settles them, after the ledger is written, so that whoever settles
sees the calls of every worker.
"""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from app.db import counts, endings, jobs, probes
from app.db.engine import Connection
from app.domain.breaker import (
    FAILURES_IN_A_ROW,
    MOST_CALLS_SEEN,
    MOST_UNKNOWN_SHARE,
    REFUSALS_IN_A_ROW,
    TELLING,
    refused_alike,
    too_much_unknown,
    unhealthy,
)
from app.domain.lifecycle import JobReason, JobState
from app.domain.settlement import UNHEALTHY, Ending
from app.llm.outcomes import error_codes
from app.use_cases.draft import Draft

UNKNOWN, CHARGED, EXCUSED = "unknown", "charged", "excused"
_Pause = tuple[JobReason, str | None]


@dataclass
class News:
    """What a batch of calls that were just settled says about their job."""

    endings: Counter[Ending] = field(default_factory=Counter[Ending])
    errors: dict[Ending, str | None] = field(default_factory=dict[Ending, str | None])
    dear: tuple[int, int] | None = None
    pause: _Pause | None = None

    def hear(self, ending: Ending, error: str | None, pause: JobReason | None) -> None:
        """Take note of how one call ended; `pause` if that alone stops the job."""
        self.endings[ending] += 1
        self.errors[ending] = error
        if pause is not None and self.pause is None:
            self.pause = (pause, error)

    def paid(self, charge: int, reserved: int) -> None:
        """Take note of what one call cost."""
        if charge > reserved and self.dear is None:
            self.dear = (charge, reserved)

    def act(self, connection: Connection, job_id: UUID, draft: Draft) -> None:
        """Pause the job if there is a reason to; `draft` holds its counts not yet written."""
        reason = (
            self.pause
            or self._dear()
            or charged_too_much(connection, job_id, draft)
            or self._unhealthy(connection, job_id)
            or self._refused(connection, job_id)
        )
        if reason is not None:
            stop(connection, job_id, reason)

    def _dear(self) -> _Pause | None:
        if self.dear is None:
            return None
        charge, reserved = self.dear
        detail = (
            f"A call cost {charge} micro-USD by the teacher's own count of tokens; at most "
            f"{reserved} were reserved for it. The next ones could pass the cap: compare the "
            "teacher's prices and the tokens of this job's calls, then resume it."
        )
        return JobReason.COST_ABOVE_RESERVATION, detail

    def _unhealthy(self, connection: Connection, job_id: UUID) -> _Pause | None:
        failed = sum(n for ending, n in self.endings.items() if ending in UNHEALTHY)
        if not failed:
            return None
        # More than half of a window can only have failed if more than half of a batch has.
        telling = sum(n for ending, n in self.endings.items() if ending in TELLING)
        seen = MOST_CALLS_SEEN if 2 * failed > telling else FAILURES_IN_A_ROW
        why = unhealthy(endings.newest(connection, job_id, seen))
        if why is None:
            return None
        said = next((self.errors[each] for each in self.endings if each in UNHEALTHY), None)
        return JobReason.TEACHER_UNHEALTHY, f"{why} {said or 'The teacher did not answer.'}"

    def _refused(self, connection: Connection, job_id: UUID) -> _Pause | None:
        if not self.endings[Ending.REFUSED]:
            return None
        job = jobs.get(connection, job_id)
        if job is None or job.reason == JobReason.RETRY_FAILED:
            return None  # somebody asked for just these calls again, to see what comes of each
        last = endings.newest_refusals(connection, job_id, REFUSALS_IN_A_ROW)
        if not refused_alike([each and refusal_code(*each) for each in last]):
            return None
        return JobReason.TEACHER_REFUSED, self.errors[Ending.REFUSED]


def refusal_code(status: int | None, raw: bytes) -> str:
    """What tells one kind of refusal from another: the status and the names in the body."""
    return " ".join([str(status), *sorted(error_codes(raw))])


def charged_too_much(connection: Connection, job_id: UUID, draft: Draft) -> _Pause | None:
    """Whether the job paid too much for calls of which nobody knows how they ended.

    Each pause for it excuses what was charged until then, so that a person can let the job go on.
    """
    if not draft.tally[UNKNOWN, CHARGED]:
        return None
    job = jobs.lock(connection, job_id)
    known = counts.of_job(connection, job_id).get(UNKNOWN, {})
    charged = known.get(CHARGED, 0) + draft.tally[UNKNOWN, CHARGED]
    since = charged - known.get(EXCUSED, 0)
    if job is None or not too_much_unknown(since, job.cap_micro_usd):
        return None
    draft.tally[UNKNOWN, EXCUSED] += since
    share = f"{MOST_UNKNOWN_SHARE:.0%}"
    detail = (
        f"{since} micro-USD were charged for calls that broke off, more than {share} of the cap of "
        f"{job.cap_micro_usd}. Look at the calls of this job and at the teacher's time-out; "
        "resuming allows as much again."
    )
    return JobReason.UNKNOWN_CHARGES, detail


def stop(connection: Connection, job_id: UUID, why: _Pause) -> None:
    """Pause a running job; an unhealthy teacher is left alone for a while."""
    reason, detail = why
    moved = jobs.move(connection, job_id, JobState.PAUSED, reason=reason, detail=detail)
    if moved and reason is JobReason.TEACHER_UNHEALTHY:
        probes.put_off(connection, job_id)
