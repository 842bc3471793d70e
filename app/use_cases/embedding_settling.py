"""The second commit of embedding calls: store the vectors and settle the money."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from app.db import counts, embeddings, jobs, paid
from app.db.counts import Tally
from app.db.engine import Connection
from app.domain.lifecycle import EmbeddingCallState, JobReason, JobState, SlotState
from app.domain.settlement import UNPAID, Ending, Settlement, settle
from app.domain.stored import EmbeddingCall
from app.domain.vectors import Vector
from app.llm.embeddings import ReadEmbeddings, embedding_cost_micro_usd, read_embeddings
from app.llm.teacher import Reply
from app.runtime import Runtime
from app.use_cases.embedding_claims import ClaimedCall, EmbedderChoice

_PAUSES = {
    JobReason.TEACHER_QUOTA: JobReason.EMBEDDER_QUOTA,
    JobReason.TEACHER_UNAUTHORIZED: JobReason.EMBEDDER_UNAUTHORIZED,
}


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a claimed call: how it ended, and vectors if it brought any."""

    claimed: ClaimedCall
    reply: Reply
    ending: Ending
    read: ReadEmbeddings

    @property
    def vectors(self) -> Mapping[bytes, Vector]:
        if self.ending is not Ending.ANSWERED:
            return {}
        return dict(zip(self.claimed.texts, self.read.vectors, strict=True))

    @property
    def error(self) -> str | None:
        return self.reply.error or self.read.error


def answered(claimed: ClaimedCall, reply: Reply) -> Answered:
    """Read a reply; one that holds no vector for each text is unreadable, and paid."""
    ending = Ending(reply.outcome)
    if ending is Ending.TOO_LARGE:
        ending = Ending.UNREADABLE
    if ending is not Ending.ANSWERED:
        return Answered(claimed, reply, ending, ReadEmbeddings())
    read = read_embeddings(reply.raw, len(claimed.texts))
    return Answered(claimed, reply, ending if read.error is None else Ending.UNREADABLE, read)


@dataclass
class _Round:
    """What one transaction writes for calls that were made together."""

    spent: int = 0
    released: int = 0
    entries: list[Mapping[str, object]] = field(default_factory=list[Mapping[str, object]])
    tally: Tally = field(default_factory=Tally)


def store_answers(
    runtime: Runtime, choice: EmbedderChoice, job_id: UUID, found: Sequence[Answered]
) -> Sequence[Answered]:
    """Store and settle a round of calls; raises Unavailable when Postgres is away (call again).

    Returns them with their final endings: vectors of another size than earlier ones are unreadable.
    """
    with runtime.database.transaction() as connection:
        # Calls before their job, as the sweep locks them.
        calls = embeddings.locked(connection, [each.claimed.id for each in found])
        jobs.lock(connection, job_id)
        sized = _sized(connection, choice, found)
        batch = _Round()
        for each in sized:
            call = calls.get(each.claimed.id)
            if call is not None:
                _settle(connection, batch, call, each)
        _write(connection, job_id, batch)
        _rest_or_pause(connection, choice, job_id, sized)
        _keep(connection, choice, sized)
    return sized


def _sized(
    connection: Connection, choice: EmbedderChoice, found: Sequence[Answered]
) -> Sequence[Answered]:
    size = embeddings.vector_size(connection, choice.teacher_id, choice.model)
    checked: list[Answered] = []
    for each in found:
        brought = each.read.vectors[0].size if each.ending is Ending.ANSWERED else size
        size = size or brought
        if brought != size:
            error = f"Its vectors have {brought} numbers, earlier ones have {size}."
            each = replace(each, ending=Ending.UNREADABLE, read=replace(each.read, error=error))
        checked.append(each)
    return checked


def _settle(connection: Connection, batch: _Round, call: EmbeddingCall, found: Answered) -> None:
    if call.state is not EmbeddingCallState.IN_FLIGHT:
        # The lease was lost and the call charged in full; its vectors are still used.
        batch.tally["error", "late_embedding"] += 1
        return
    charge = 0 if found.ending in UNPAID else _charge(call, found)
    batch.spent += charge
    batch.released += call.reserved_micro_usd
    batch.entries.append(_entry(call, f"settle_embedding_{found.ending}", charge))
    if found.ending is not Ending.ANSWERED:
        batch.tally["error", f"embedder_{found.ending}"] += 1
    else:
        batch.tally["total", "embedder_answered"] += 1
    batch.tally["total", "embedding_tokens"] += found.read.tokens or 0
    embeddings.finish(connection, call.id, _values(found, charge))


def _charge(call: EmbeddingCall, found: Answered) -> int:
    """What was paid: by the embedder's own count of tokens, else all that was reserved."""
    if found.read.tokens is None:
        return call.reserved_micro_usd
    return embedding_cost_micro_usd(found.reply.call.teacher, found.read.tokens)


def _values(found: Answered, charge: int) -> Mapping[str, object]:
    match found.ending:
        case Ending.ANSWERED:
            state = EmbeddingCallState.ANSWERED
        case Ending.UNKNOWN:
            state = EmbeddingCallState.UNKNOWN
        case _:
            state = EmbeddingCallState.FAILED
    return {
        "state": state,
        "outcome": found.ending,
        "cost_micro_usd": charge,
        "status": found.reply.status,
        "request_id": found.reply.request_id,
        "error": found.error,
        "prompt_tokens": found.read.tokens,
        "elapsed_ms": int(found.reply.elapsed_s * 1000),
    }


def _entry(call: EmbeddingCall, entry: str, charge: int) -> Mapping[str, object]:
    return {
        "job_id": call.job_id,
        "embedding_call_id": call.id,
        "attempt": 1,
        "entry": entry,
        "reserved_delta": -call.reserved_micro_usd,
        "spent_delta": charge,
    }


def _write(connection: Connection, job_id: UUID, batch: _Round) -> None:
    jobs.add(connection, job_id, spent_micro_usd=batch.spent, reserved_micro_usd=-batch.released)
    paid.write_ledger(connection, batch.entries)
    counts.add(connection, job_id, batch.tally)


def _rest_or_pause(
    connection: Connection, choice: EmbedderChoice, job_id: UUID, found: Sequence[Answered]
) -> None:
    """A round that brought something forgets earlier failures; too many in a row end it."""
    before, _ = jobs.embedder_pause(connection, job_id)
    if any(each.ending is Ending.ANSWERED for each in found):
        before = 0
    failed = [each for each in found if each.ending not in {Ending.ANSWERED, Ending.REFUSED}]
    verdicts = [(each, _verdict(each, before)) for each in failed]
    for each, verdict in verdicts:
        reason = _pause_reason(verdict)
        if reason is not None:
            pause(connection, choice, job_id, reason, each.error)
            return
    failures = max((verdict.failures for _, verdict in verdicts), default=before)
    wait_s = max((verdict.wait_s or 0.0 for _, verdict in verdicts), default=0.0)
    jobs.set_embedder_pause(connection, job_id, failures=failures, wait_s=wait_s)


def _verdict(found: Answered, failures: int) -> Settlement:
    wait_s = found.reply.retry_after_s
    return settle(found.ending, failures, retry_after_s=wait_s, jitter=random.random())


def _pause_reason(verdict: Settlement) -> JobReason | None:
    if verdict.pause is not None:
        return _PAUSES.get(verdict.pause, JobReason.EMBEDDER_UNHEALTHY)
    return None if verdict.state is SlotState.READY else JobReason.EMBEDDER_UNHEALTHY


def pause(
    connection: Connection,
    choice: EmbedderChoice,
    job_id: UUID,
    reason: JobReason,
    error: str | None,
) -> None:
    """Pause the job for its embedder's sake; what failed is forgotten for the time after."""
    detail = f"The embedder {choice.name}: {error or 'no answer that can be used'}"
    jobs.set_embedder_pause(connection, job_id, failures=0, wait_s=0.0)
    jobs.move(connection, job_id, JobState.PAUSED, reason=reason, detail=detail)


def _keep(connection: Connection, choice: EmbedderChoice, found: Iterable[Answered]) -> None:
    """The vectors, paid in any case; what brought none may be asked for again."""
    for each in found:
        if each.vectors:
            embeddings.store(
                connection, choice.teacher_id, choice.model, each.claimed.id, each.vectors
            )
    embeddings.release(connection, [each.claimed.id for each in found if not each.vectors])


def charge_lost(connection: Connection, lost: Sequence[EmbeddingCall]) -> None:
    """Calls whose worker is gone may have been paid: charge them in full, free their texts."""
    values = {
        "state": EmbeddingCallState.UNKNOWN,
        "outcome": "worker_lost",
        "error": "The worker that made this call is gone; the call was charged in full.",
    }
    by_job: dict[UUID, list[EmbeddingCall]] = {}
    for call in lost:
        by_job.setdefault(call.job_id, []).append(call)
    for job_id in sorted(by_job):
        calls = by_job[job_id]
        batch = _Round(tally=Tally({("error", "embedder_worker_lost"): len(calls)}))
        for call in calls:
            embeddings.finish(
                connection, call.id, {**values, "cost_micro_usd": call.reserved_micro_usd}
            )
            batch.spent += call.reserved_micro_usd
            batch.released += call.reserved_micro_usd
            batch.entries.append(_entry(call, "charge_unknown", call.reserved_micro_usd))
        _write(connection, job_id, batch)
    # Last: who waits for one of these texts may hold a job that is charged above.
    embeddings.release(connection, [call.id for call in lost])
