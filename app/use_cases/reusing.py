"""Stored replies before new calls: what an earlier job has paid for is not bought again."""

from app.db import reused
from app.db.engine import Connection
from app.domain.lifecycle import SlotState
from app.domain.reuse import Reuse, service_digest
from app.domain.stored import Job, TeacherRecord
from app.use_cases.draft import Draft


def serve_stored(connection: Connection, job: Job, teacher: TeacherRecord, draft: Draft) -> int:
    """Let stored replies stand for the job's waiting calls; returns for how many.

    To be called under the job's lock and before its calls are claimed, so that none is paid for
    that could have been served. Those served take no room, no budget and none of the calls.
    """
    if job.reuse is not Reuse.PREFER:
        return 0
    served = reused.serve(connection, job.id, service_digest(teacher), simulated=job.simulated)
    draft.numbers["reused_calls"] += served.calls
    draft.numbers["saved_micro_usd"] += served.saved_micro_usd
    draft.tally["slot", SlotState.READY] -= served.calls
    draft.tally["slot", SlotState.RECEIVED] += served.calls
    return served.calls
