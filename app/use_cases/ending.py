"""How a job stops: what was never sent is withdrawn, what is under way is waited for."""

from app.db import conversations, counts, embeddings, jobs, slots
from app.db.counts import Tally
from app.db.engine import Connection
from app.domain.lifecycle import ConversationState, JobReason, JobState, SlotState
from app.domain.stored import Job


def end_job(
    connection: Connection,
    job: Job,
    target: JobState,
    reason: JobReason,
    detail: str | None = None,
) -> bool:
    """Withdraw what waits and, once nothing is under way, move the job; False until then.

    Calls that a retry asked for are neither withdrawn nor left behind, unless they cannot be made.
    """
    tally = Tally()
    stuck = (
        target is JobState.CANCELLED
        or reason is JobReason.BUDGET_EXHAUSTED
        or job.calls >= job.cap_calls
    )
    withdrawn = slots.withdraw_ready(connection, job.id, wanted_too=stuck)
    tally["slot", SlotState.READY] -= withdrawn
    given_up = slots.give_up_ready(connection, job.id, "job_ended", wanted_too=stuck)
    conversations.finish(connection, given_up, ConversationState.FAILED)
    tally["slot", SlotState.READY] -= len(given_up)
    tally["slot", SlotState.FAILED] += len(given_up)
    counts.add(connection, job.id, tally)
    if any(slots.counts_active(connection, job.id).values()):
        return False
    if job.embedder_id is not None and embeddings.in_flight(connection, job_id=job.id):
        return False
    return jobs.move(connection, job.id, target, reason=reason, detail=detail)
