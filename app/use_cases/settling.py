"""The second commit of a call: store the raw reply and settle the money, before reading it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from app.db import conversations, counts, jobs, slots
from app.db.counts import Tally
from app.db.engine import Connection
from app.domain.lifecycle import ConversationState, JobReason, JobState, SlotState
from app.domain.settlement import UNPAID, Ending, Settlement, settle
from app.domain.stored import SlotRecord
from app.llm.pricing import cost_micro_usd
from app.llm.replies import read_reply
from app.llm.teacher import Reply
from app.runtime import Runtime


@dataclass
class _Batch:
    """What one transaction writes for a batch of replies."""

    completions: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    changes: dict[UUID, dict[str, object]] = field(default_factory=dict[UUID, dict[str, object]])
    entries: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    failed: list[UUID] = field(default_factory=list[UUID])
    tally: Tally = field(default_factory=Tally)
    spent: int = 0
    released: int = 0
    uncounted_calls: int = 0
    pause: tuple[JobReason, str | None] | None = None


def store_replies(runtime: Runtime, job_id: UUID, replies: Sequence[Reply]) -> None:
    """Store and settle a batch; raises Unavailable when Postgres is away (then call again)."""
    with runtime.database.transaction() as connection:
        found = dict(slots.locked(connection, {UUID(reply.call.key) for reply in replies}))
        batch = _Batch()
        for reply in replies:
            slot = found.get(UUID(reply.call.key))
            if slot is not None:
                # Of two replies for one slot, the second finds it as the first left it.
                found[slot.id] = _take(batch, slot, reply)
        _write(connection, job_id, batch)


def _take(batch: _Batch, slot: SlotRecord, reply: Reply) -> SlotRecord:
    ending = Ending(reply.outcome)
    if slot.state is SlotState.IN_FLIGHT and slot.attempt == reply.call.attempt:
        return _settle(batch, slot, reply, ending)
    if slot.answered_attempt == reply.call.attempt:
        return slot  # stored before, when only the answer to COMMIT was lost
    # The lease was lost and the call charged in full; its reply is still used if none came yet.
    usable = ending is Ending.ANSWERED and slot.state is SlotState.READY
    batch.completions.append(_completion(slot, reply, cost=0, late=True))
    batch.tally["error", "late_reply"] += 1
    if not usable:
        return slot
    return _move(batch, slot, Settlement(SlotState.RECEIVED, slot.failures), reply)


def _settle(batch: _Batch, slot: SlotRecord, reply: Reply, ending: Ending) -> SlotRecord:
    verdict = settle(
        ending, slot.failures, retry_after_s=reply.retry_after_s, jitter=random.random()
    )
    charge = 0 if ending in UNPAID else _charge(slot, reply)
    batch.spent += charge
    batch.released += slot.reserved_micro_usd
    batch.entries.append(_entry(slot, ending, charge))
    if reply.raw or ending not in UNPAID:
        batch.completions.append(_completion(slot, reply, cost=charge, late=False))
    if ending in UNPAID and ending is not Ending.REFUSED:
        batch.uncounted_calls += 1
    if ending is not Ending.ANSWERED:
        batch.tally["error", ending] += 1
    if verdict.pause is not None and batch.pause is None:
        batch.pause = (verdict.pause, reply.error)
    return _move(batch, slot, verdict, reply)


def _charge(slot: SlotRecord, reply: Reply) -> int:
    """What was paid: by the teacher's own count of tokens, else all that was reserved."""
    read = read_reply(reply.call.teacher.endpoint, reply.raw)
    if read.prompt_tokens is None or read.completion_tokens is None:
        return slot.reserved_micro_usd
    return cost_micro_usd(reply.call.teacher, read.prompt_tokens, read.completion_tokens)


def _move(batch: _Batch, slot: SlotRecord, verdict: Settlement, reply: Reply) -> SlotRecord:
    answered = verdict.state is SlotState.RECEIVED
    answered_attempt = reply.call.attempt if answered else slot.answered_attempt
    batch.changes[slot.id] = {
        "id": slot.id,
        "state": verdict.state,
        "failures": verdict.failures,
        "reserved_micro_usd": 0,
        "reason": verdict.reason,
        "detail": reply.error,
        "answered_attempt": answered_attempt,
        "wait_s": verdict.wait_s or 0.0,
    }
    batch.tally["slot", slot.state] -= 1
    batch.tally["slot", verdict.state] += 1
    if verdict.state is SlotState.FAILED:
        batch.failed.append(slot.conversation_id)
        batch.tally["drop", verdict.reason or "failed"] += 1
    return replace(
        slot,
        state=verdict.state,
        failures=verdict.failures,
        reserved_micro_usd=0,
        answered_attempt=answered_attempt,
    )


def _completion(slot: SlotRecord, reply: Reply, *, cost: int, late: bool) -> dict[str, object]:
    teacher = reply.call.teacher
    read = read_reply(teacher.endpoint, reply.raw)
    return {
        "slot_id": slot.id,
        "attempt": reply.call.attempt,
        "job_id": slot.job_id,
        "outcome": reply.outcome,
        "status": reply.status,
        "raw": reply.raw,
        "true_length": reply.true_length,
        "model": teacher.model,
        "endpoint": teacher.endpoint,
        "request_id": reply.request_id,
        "error": reply.error,
        "prompt_tokens": read.prompt_tokens,
        "completion_tokens": read.completion_tokens,
        "cost_micro_usd": cost,
        "elapsed_ms": int(reply.elapsed_s * 1000),
        "late": late,
    }


def _entry(slot: SlotRecord, ending: Ending, charge: int) -> dict[str, object]:
    return {
        "job_id": slot.job_id,
        "slot_id": slot.id,
        "attempt": slot.attempt,
        "entry": f"settle_{ending}",
        "reserved_delta": -slot.reserved_micro_usd,
        "spent_delta": charge,
    }


def _write(connection: Connection, job_id: UUID, batch: _Batch) -> None:
    slots.insert_completions(connection, batch.completions)
    slots.change(connection, list(batch.changes.values()))
    conversations.finish(connection, batch.failed, ConversationState.FAILED)
    jobs.add(
        connection,
        job_id,
        spent_micro_usd=batch.spent,
        reserved_micro_usd=-batch.released,
        calls=-batch.uncounted_calls,
    )
    slots.write_ledger(connection, batch.entries)
    if batch.pause is not None:
        reason, detail = batch.pause
        jobs.move(connection, job_id, JobState.PAUSED, reason=reason, detail=detail)
    counts.add(connection, job_id, batch.tally)
