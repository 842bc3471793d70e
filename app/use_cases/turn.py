"""One turn of a job, in one transaction: read what was stored, plan what follows, claim calls.

The third commit of earlier calls is the first commit of the next ones. What is parsed is parsed
before the job's row is locked; from there on everyone who works on the job waits for us.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.db import claimants, jobs
from app.db.claimants import Claimant
from app.db.engine import Connection
from app.db.ids import NO_TEACHER
from app.domain.lifecycle import JobState
from app.domain.stored import Job
from app.llm.teacher import Call
from app.runtime import Runtime
from app.use_cases.claiming import NOTHING, Asker, Claimed, claim_locked
from app.use_cases.converse import Reading, read, write
from app.use_cases.draft import Draft
from app.use_cases.job_context import JobContext
from app.use_cases.memory import Memory
from app.use_cases.outcomes import Findings
from app.use_cases.planning import plan_locked
from app.use_cases.pool_indexes import PoolIndexes
from app.use_cases.row_novelty import RowRule, row_rule
from app.use_cases.watchdog import at_most


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of it: where the job stands (None: it is gone), replies read, calls to send.

    `served` slots got a stored reply and can be read in the next turn. `free` tells that something
    came of conversations that need no call.
    """

    state: JobState | None
    read: int = 0
    calls: Sequence[Call] = ()
    proposed: bool = False
    hungry: bool = False
    served: int = 0
    free: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a turn is for: `reader` is the worker whose replies are read; `asker` None claims
    nothing; `plans` plans whether or not it is due; `tells` says in the fleet how hungry we are;
    without `reads` stored replies are left for later.
    """

    reader: UUID
    asker: Asker | None
    plans: bool = False
    tells: bool = False
    reads: bool = True


def take_turn(
    runtime: Runtime,
    context: JobContext,
    memory: Memory,
    row_indexes: PoolIndexes,
    wishes: Wishes,
) -> Turn:
    """Read, plan and claim; `memory` is to be forgotten when this raises."""
    if wishes.plans:
        context.prepare(runtime)
    with (
        row_rule(runtime, context.job, row_indexes) as rule,
        runtime.database.transaction() as connection,
    ):
        reader = wishes.reader
        with at_most(runtime.settings.read_limit_s):
            reading = read(connection, context, memory, reader) if wishes.reads else Reading()
        # Before the job's row: whoever holds that may yet judge rows that cost no call.
        rule.hold(connection)
        rule.judge(connection, reading.rows, reading.draft.tally)
        job = jobs.lock(connection, context.job.id)
        if job is None:
            return Turn(None)
        write(connection, reading)
        return _Locked(connection, runtime, context, memory, job, rule).go(reading, wishes)


class _Locked:
    """The part of a turn for which the job's row is locked."""

    def __init__(
        self,
        connection: Connection,
        runtime: Runtime,
        context: JobContext,
        memory: Memory,
        job: Job,
        rule: RowRule,
    ) -> None:
        self._connection = connection
        self._runtime = runtime
        self._context = context
        self._memory = memory
        self._job = job
        self._rule = rule
        self._free = Findings()

    def go(self, reading: Reading, wishes: Wishes) -> Turn:
        """Claim what is ready, and where that is less than the teacher takes, plan and claim."""
        draft = reading.draft
        claimed = self._claim(wishes.asker, draft)
        calls, served = [*claimed.calls], claimed.served
        wanted = wishes.plans or (reading.changes and claimed.is_short)
        if wanted and not claimed.stopped:
            may_claim = claimed.is_short or self._job.state is JobState.QUEUED
            self._free = plan_locked(
                self._connection, self._context, self._job, draft, self._memory, self._rule
            )
            self._job = jobs.get(self._connection, self._job.id) or self._job
            if may_claim:
                claimed = self._claim(wishes.asker, draft)
                calls += claimed.calls
                served += claimed.served
        if wishes.tells:
            self._tell(wishes.reader, claimed)
        draft.write(self._connection, self._job.id)
        now = jobs.get(self._connection, self._job.id)
        return Turn(
            now.state if now else None,
            len(reading.changes),
            calls,
            reading.proposed or self._free.proposed,
            claimed.hungry,
            served,
            free=bool(self._free.candidates or self._free.rows),
        )

    def _claim(self, asker: Asker | None, draft: Draft) -> Claimed:
        if asker is None:
            return NOTHING
        return claim_locked(self._connection, self._runtime, self._job, asker, draft, self._memory)

    def _tell(self, worker_id: UUID, claimed: Claimed) -> None:
        claimant = Claimant(worker_id, self._job.id, claimed.hungry)
        claimants.tell(self._connection, self._job.teacher_id or NO_TEACHER, claimant)
