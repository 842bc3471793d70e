"""The third commit of a call: read stored replies and carry their conversations on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from app.db import candidates, choosing, conversations, jobs, paid, slots
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.lifecycle import ConversationState, JobReason, JobState, SlotState
from app.domain.method import Prompt
from app.domain.records import Source, SourceKind
from app.domain.stored import ConversationRecord, NewSlot, SlotRecord
from app.llm.replies import ReadReply, read_reply
from app.llm.teacher import Endpoint
from app.runtime import Runtime
from app.use_cases.draft import Draft
from app.use_cases.job_context import JobContext, machine_source, prompt_as_json
from app.use_cases.memory import Memory, Talk
from app.use_cases.outcomes import Findings, SiftedAnswer, SiftedCandidates, sift

PARSER_FAILED = "parser_failed"
READ_AT_ONCE = 100
_log = structlog.get_logger(__name__)


@dataclass
class Reading(Findings):
    """What follows from a batch of replies that were read, not written yet."""

    slots: list[NewSlot] = field(default_factory=list[NewSlot])
    changes: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    done: list[UUID] = field(default_factory=list[UUID])
    failed: list[UUID] = field(default_factory=list[UUID])
    draft: Draft = field(default_factory=Draft)


def read(
    connection: Connection,
    context: JobContext,
    memory: Memory,
    worker_id: UUID,
    *,
    limit: int = READ_AT_ONCE,
) -> Reading:
    """Read the replies that this worker stored, and work out what follows."""
    received = choosing.received(connection, context.job.id, worker_id, limit)
    reader = _Reader(context, memory)
    if received:
        _recall(connection, context, memory, received)
    for slot in received:
        reader.read(slot)
    return reader.reading


def write(connection: Connection, reading: Reading) -> None:
    """Write what follows, but for the counts."""
    slots.change(connection, reading.changes)
    conversations.finish(connection, reading.done, ConversationState.DONE)
    conversations.finish(connection, reading.failed, ConversationState.FAILED)
    slots.insert(connection, reading.slots)
    reading.write(connection)


def _recall(
    connection: Connection, context: JobContext, memory: Memory, received: Sequence[SlotRecord]
) -> None:
    """Read from Postgres what this process does not remember: another worker began it, or we did
    before a failure."""
    forgotten = {
        slot.conversation_id
        for slot in received
        if memory.replies.get(slot.id) is None or not _remembers(memory, slot)
    }
    if not forgotten:
        return
    answers = paid.answers_of(connection, forgotten)
    for talk in talks_of(connection, context, forgotten):
        said = [
            (slot, read_reply(Endpoint(endpoint), raw))
            for slot, endpoint, raw in answers.get(talk.record.id, ())
        ]
        earlier = [reply.completion for _, reply in said[:-1]]
        talk.said = [each for each in earlier if each is not None]
        memory.talks.put(talk.record.id, talk)
        if said:
            last, reply = said[-1]
            memory.replies.put(last.id, reply)


def _remembers(memory: Memory, slot: SlotRecord) -> bool:
    talk = memory.talks.get(slot.conversation_id)
    return talk is not None and len(talk.said) == slot.position


def talks_of(
    connection: Connection, context: JobContext, conversation_ids: Collection[UUID]
) -> Sequence[Talk]:
    """Stored conversations with what they are about, as if nothing had been said yet."""
    records = conversations.by_ids(connection, conversation_ids)
    wanted = {record.candidate_id for record in records.values() if record.candidate_id}
    wanted |= {
        UUID(str(source["id"]))
        for record in records.values()
        for source in record.sources
        if source["kind"] == SourceKind.MACHINE
    }
    machine = candidates.by_ids(connection, wanted)
    return [_talk(context, record, machine) for record in records.values()]


def _talk(
    context: JobContext,
    record: ConversationRecord,
    machine: Mapping[UUID, Mapping[str, Any]],
) -> Talk:
    if record.candidate_id is not None:
        return Talk(record, candidate=machine.get(record.candidate_id))
    return Talk(record, [_source(context, each, machine) for each in record.sources])


def _source(
    context: JobContext,
    stored: Mapping[str, object],
    machine: Mapping[UUID, Mapping[str, Any]],
) -> Source:
    key = str(stored["id"])
    if stored["kind"] == SourceKind.SEED:
        return context.seeds.by_id[key]
    found = machine[UUID(key)]
    return machine_source(key, found["instruction"], found)


class _Reader:
    """Reads the replies of a batch of slots, one conversation at a time."""

    def __init__(self, context: JobContext, memory: Memory) -> None:
        self._context = context
        self._memory = memory
        self.reading = Reading()

    def read(self, slot: SlotRecord) -> None:
        """Carry on the conversation of a slot whose reply is stored."""
        reply = self._memory.replies.take(slot.id) or ReadReply()
        talk = self._memory.talks.get(slot.conversation_id)
        if reply.completion is None or talk is None:
            self._end(slot, SlotState.REJECTED, reply.rejection or "unreadable")
            return
        if reply.completion.finish_reason == "length":
            self.reading.draft.tally["reply", "cut"] += 1
        try:
            heard = talk.hear(self._context, reply.completion)
            following = heard if isinstance(heard, Prompt) else sift(self._context, talk, heard)
        except Exception:  # noqa: BLE001 - any reply at all must leave its neighbours unharmed
            _log.exception("reply_not_parsed", job=str(slot.job_id), slot=str(slot.id))
            self._end(slot, SlotState.QUARANTINED, PARSER_FAILED)
            return
        self._take(slot, talk, following)

    def _end(self, slot: SlotRecord, state: SlotState, reason: str) -> None:
        self._move(slot, state, reason)
        self._memory.talks.take(slot.conversation_id)
        self.reading.failed.append(slot.conversation_id)
        self.reading.draft.tally["drop", reason] += 1

    def _move(self, slot: SlotRecord, state: SlotState, reason: str | None = None) -> None:
        self.reading.changes.append({"id": slot.id, "state": state, "reason": reason})
        self.reading.draft.slot_moved(slot.state, state)

    def _take(
        self, slot: SlotRecord, talk: Talk, following: Prompt | SiftedCandidates | SiftedAnswer
    ) -> None:
        if isinstance(following, Prompt):
            self._move(slot, SlotState.DONE)
            self._ask(talk.record, slot.position + 1, following)
            return
        tally = self.reading.draft.tally
        useful = self.reading.take(self._context, talk, slot.id, following, tally)
        self._move(
            slot,
            SlotState.DONE if useful else SlotState.REJECTED,
            None if useful else "no_items",
        )
        self._memory.talks.take(slot.conversation_id)
        self.reading.done.append(slot.conversation_id)

    def _ask(self, record: ConversationRecord, position: int, prompt: Prompt) -> None:
        begun = next_slot(record, position, prompt)
        self._memory.prompts.put(begun.id, prompt)
        self.reading.slots.append(begun)
        self.reading.draft.slot_begun()


def next_slot(record: ConversationRecord, position: int, prompt: Prompt) -> NewSlot:
    """A ready slot for a prompt of a conversation."""
    return NewSlot(
        id=new_id(),
        job_id=record.job_id,
        conversation_id=record.id,
        kind=record.kind,
        number=record.number,
        position=position,
        step=prompt.step,
        prompt=prompt_as_json(prompt),
        digest=prompt.digest,
    )


def revive(runtime: Runtime, context: JobContext) -> None:
    """Give stranded conversations (their next slot was withdrawn) that slot again.

    Only a running job carries them on.
    """
    with runtime.database.transaction() as connection:
        job = jobs.lock(connection, context.job.id)
        if job is None or job.state is not JobState.RUNNING:
            return
        ids = {each.id for each in conversations.stranded(connection, context.job.id)}
        if job.reason == JobReason.RETRY_FAILED:
            ids &= set(conversations.wanted_open(connection, job.id))
        if not ids:
            return
        answers = paid.answers_of(connection, ids)
        draft = Draft()
        begun: list[NewSlot] = []
        for talk in talks_of(connection, context, ids):
            said = answers.get(talk.record.id, ())
            read_again = [read_reply(Endpoint(endpoint), raw) for _, endpoint, raw in said]
            talk.said = [each.completion for each in read_again if each.completion is not None]
            following = talk.resume(context)
            if isinstance(following, Prompt):
                begun.append(next_slot(talk.record, len(said), following))
                draft.slot_begun()
        slots.insert(connection, begun)
        draft.write(connection, job.id)
