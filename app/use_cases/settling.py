"""The second commit of a call: store the raw reply and settle the money, before reading it."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from app.db import conversations, paid, slots
from app.db.engine import Connection
from app.domain.lifecycle import ConversationState, SlotState
from app.domain.method import Prompt
from app.domain.reuse import request_digest
from app.domain.settlement import UNPAID, Ending, Settlement, settle
from app.domain.stored import SlotRecord
from app.llm.pricing import cost_micro_usd
from app.llm.replies import ReadReply, read_reply
from app.llm.teacher import Fault, Outcome, Reply
from app.runtime import Runtime
from app.use_cases.draft import Draft
from app.use_cases.guarding import CHARGED, UNKNOWN, News


def ending_of(reply: Reply) -> Ending:
    """How a call ended; one that we took back ourselves says nothing about the teacher."""
    if reply.outcome is Outcome.NOT_SENT and reply.fault is Fault.WITHDRAWN:
        return Ending.WITHDRAWN
    return Ending(reply.outcome)


def store_replies(
    runtime: Runtime, job_id: UUID, replies: Sequence[Reply]
) -> Mapping[UUID, ReadReply]:
    """Store and settle a batch; returns what is to be read now, by slot.

    Raises Unavailable when Postgres is away (then call again).
    """
    with runtime.database.transaction() as connection:
        found = dict(slots.locked(connection, {UUID(reply.call.key) for reply in replies}))
        batch = _Batch()
        for reply in replies:
            slot = found.get(UUID(reply.call.key))
            if slot is not None:
                # Of two replies for one slot, the second finds it as the first left it.
                found[slot.id] = batch.take(slot, reply)
        batch.write(connection, job_id)
    return batch.received


@dataclass
class _Batch:
    """What one transaction writes for a batch of replies."""

    completions: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    changes: dict[UUID, dict[str, object]] = field(default_factory=dict[UUID, dict[str, object]])
    entries: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    failed: list[UUID] = field(default_factory=list[UUID])
    received: dict[UUID, ReadReply] = field(default_factory=dict[UUID, ReadReply])
    draft: Draft = field(default_factory=Draft)
    news: News = field(default_factory=News)

    def take(self, slot: SlotRecord, reply: Reply) -> SlotRecord:
        """Settle one reply; returns the slot as this leaves it."""
        ending = ending_of(reply)
        if slot.answered_attempt == reply.call.attempt:
            return slot  # stored before, when only the answer to COMMIT was lost
        read = read_reply(reply.call.teacher.endpoint, reply.raw)
        if slot.state is SlotState.IN_FLIGHT and slot.attempt == reply.call.attempt:
            return self._settle(slot, reply, read, ending)
        # The lease was lost and the call charged in full; its reply is used if none came yet.
        usable = ending is Ending.ANSWERED and slot.state is SlotState.READY
        self.completions.append(_completion(slot, reply, read, cost=0, late=True))
        self.draft.tally["error", "late_reply"] += 1
        if not usable:
            return slot
        return self._move(slot, Settlement(SlotState.RECEIVED, slot.failures), reply, read)

    def _settle(
        self, slot: SlotRecord, reply: Reply, read: ReadReply, ending: Ending
    ) -> SlotRecord:
        verdict = settle(
            ending, slot.failures, retry_after_s=reply.retry_after_s, jitter=random.random()
        )
        charge = 0 if ending in UNPAID else _charge(slot, reply, read)
        self.draft.numbers["spent_micro_usd"] += charge
        self.draft.numbers["reserved_micro_usd"] -= slot.reserved_micro_usd
        self.entries.append(_entry(slot, ending, charge))
        self.news.hear(ending, reply.error, verdict.pause)
        self.news.paid(charge, slot.reserved_micro_usd)
        if ending is Ending.UNKNOWN:
            self.draft.tally[UNKNOWN, CHARGED] += charge
        if reply.raw or ending not in UNPAID or ending is Ending.REFUSED:
            self.completions.append(_completion(slot, reply, read, cost=charge, late=False))
        if ending in UNPAID and ending is not Ending.REFUSED:
            self.draft.numbers["calls"] -= 1
        if ending not in {Ending.ANSWERED, Ending.WITHDRAWN}:
            self.draft.tally["error", ending] += 1
        if ending is Ending.ANSWERED:
            self.draft.tally["total", ending] += 1
        self.draft.tally["total", "prompt_tokens"] += read.prompt_tokens or 0
        self.draft.tally["total", "completion_tokens"] += read.completion_tokens or 0
        return self._move(slot, verdict, reply, read)

    def _move(
        self, slot: SlotRecord, verdict: Settlement, reply: Reply, read: ReadReply
    ) -> SlotRecord:
        answered = verdict.state is SlotState.RECEIVED
        answered_attempt = reply.call.attempt if answered else slot.answered_attempt
        self.changes[slot.id] = {
            "id": slot.id,
            "state": verdict.state,
            "failures": verdict.failures,
            "strikes": 0,
            "reserved_micro_usd": 0,
            "reason": verdict.reason,
            "detail": reply.error,
            "answered_attempt": answered_attempt,
            "wait_s": verdict.wait_s or 0.0,
        }
        self.draft.slot_moved(slot.state, verdict.state)
        if answered:
            self.received[slot.id] = read
        if verdict.state is SlotState.FAILED:
            self.failed.append(slot.conversation_id)
            self.draft.tally["drop", verdict.reason or "failed"] += 1
        return replace(
            slot,
            state=verdict.state,
            failures=verdict.failures,
            strikes=0,
            reserved_micro_usd=0,
            answered_attempt=answered_attempt,
        )

    def write(self, connection: Connection, job_id: UUID) -> None:
        """Write all of it: the job after its slots, its counts last."""
        paid.insert_completions(connection, self.completions)
        slots.change(connection, list(self.changes.values()))
        conversations.finish(connection, self.failed, ConversationState.FAILED)
        paid.write_ledger(connection, self.entries)
        self.news.act(connection, job_id, self.draft)
        self.draft.write(connection, job_id)


def _charge(slot: SlotRecord, reply: Reply, read: ReadReply) -> int:
    """What was paid: by the teacher's own count of tokens, else all that was reserved."""
    if read.prompt_tokens is None or read.completion_tokens is None:
        return slot.reserved_micro_usd
    return cost_micro_usd(reply.call.teacher, read.prompt_tokens, read.completion_tokens)


def _completion(
    slot: SlotRecord, reply: Reply, read: ReadReply, *, cost: int, late: bool
) -> dict[str, object]:
    teacher = reply.call.teacher
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
        "request_digest": _request_digest(reply, read),
    }


def _request_digest(reply: Reply, read: ReadReply) -> bytes | None:
    """What later jobs may find the reply by: only one that was answered and can be read."""
    call = reply.call
    usable = reply.outcome is Outcome.ANSWERED and read.completion is not None
    if not usable or not isinstance(call.prompt, Prompt):
        return None
    return request_digest(call.teacher, call.prompt.digest)


def _entry(slot: SlotRecord, ending: Ending, charge: int) -> dict[str, object]:
    return {
        "job_id": slot.job_id,
        "slot_id": slot.id,
        "attempt": slot.attempt,
        "entry": f"settle_{ending}",
        "reserved_delta": -slot.reserved_micro_usd,
        "spent_delta": charge,
    }
