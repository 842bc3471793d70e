"""The third commit of a call: read stored replies and carry their conversations on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from app.db import candidates, conversations, counts, jobs, rows, slots
from app.db.counts import Tally
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.conversing import Finished, carry_on
from app.domain.lifecycle import (
    CandidateState,
    ConversationKind,
    ConversationState,
    JobState,
    RowState,
    SlotState,
)
from app.domain.method import Completion, Prompt
from app.domain.records import Answer, Candidate, Source, SourceKind
from app.domain.stored import ConversationRecord, SlotRecord
from app.llm.replies import read_reply
from app.llm.teacher import Endpoint
from app.runtime import Runtime
from app.use_cases.job_context import JobContext, prompt_as_json
from app.use_cases.pool_indexes import PoolIndexes
from app.use_cases.row_novelty import row_rule

PARSER_FAILED = "parser_failed"
_log = structlog.get_logger(__name__)
_Answers = Mapping[UUID, Sequence[tuple[SlotRecord, str, bytes]]]


@dataclass
class _Writes:
    """What one transaction writes for a batch of replies that were read."""

    slots: list[SlotRecord] = field(default_factory=list[SlotRecord])
    changes: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    candidates: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    verdicts: dict[UUID, bool] = field(default_factory=dict[UUID, bool])
    done: list[UUID] = field(default_factory=list[UUID])
    failed: list[UUID] = field(default_factory=list[UUID])
    tally: Tally = field(default_factory=Tally)


def read_received(
    runtime: Runtime, context: JobContext, row_indexes: PoolIndexes, *, limit: int = 200
) -> int:
    """Read up to `limit` stored replies and write what follows; returns how many were read."""
    with (
        row_rule(runtime, context.job, row_indexes) as rule,
        runtime.database.transaction() as connection,
    ):
        received = slots.received(connection, context.job.id, limit)
        if not received:
            return 0
        writes = _read_all(connection, context, received)
        rule.judge(connection, writes.rows, writes.tally)
        _write(connection, context, writes)
    if any(each["state"] == CandidateState.PROPOSED for each in writes.candidates):
        runtime.wake.admit(context.job.pool_id)
    return len(received)


def _read_all(
    connection: Connection, context: JobContext, received: Sequence[SlotRecord]
) -> _Writes:
    ids = {slot.conversation_id for slot in received}
    reader = _Reader(
        context,
        conversations.by_ids(connection, ids),
        slots.answers_of(connection, ids),
    )
    reader.resolve(connection)
    for slot in received:
        reader.read(slot)
    return reader.writes


class _Reader:
    """Reads the replies of a batch of slots, one conversation at a time."""

    def __init__(
        self,
        context: JobContext,
        records: Mapping[UUID, ConversationRecord],
        answers: _Answers,
    ) -> None:
        self._context = context
        self._records = records
        self._answers = answers
        self._machine: Mapping[UUID, Mapping[str, Any]] = {}
        self.writes = _Writes()

    def resolve(self, connection: Connection) -> None:
        """Look up the machine rows and candidates that the conversations are about."""
        wanted = {record.candidate_id for record in self._records.values() if record.candidate_id}
        wanted |= {
            UUID(str(source["id"]))
            for record in self._records.values()
            for source in record.sources
            if source["kind"] == SourceKind.MACHINE
        }
        self._machine = candidates.by_ids(connection, wanted) if wanted else {}

    def read(self, slot: SlotRecord) -> None:
        """Carry on the conversation of a slot whose reply is stored."""
        said = [self._completion(each) for each in self._answers.get(slot.conversation_id, ())]
        last = said[-1] if said else "unreadable"
        if isinstance(last, str):
            self._reject(slot, last)
            return
        completions = [each for each in said if isinstance(each, Completion)]
        try:
            following = self.follow(self._records[slot.conversation_id], completions)
        except Exception as error:  # noqa: BLE001 - any reply at all must leave its neighbours unharmed
            _log.exception("reply_not_parsed", slot=str(slot.id), error=type(error).__name__)
            self._end(slot, SlotState.QUARANTINED, PARSER_FAILED)
            return
        self._take(slot, following)

    def follow(
        self, record: ConversationRecord, completions: Sequence[Completion]
    ) -> Prompt | Finished[Sequence[Candidate]] | Finished[Answer]:
        """Replay a conversation up to where it stands."""
        method = self._context.method
        if record.kind == ConversationKind.PROPOSE:
            rng = self._context.rng(ConversationKind.PROPOSE, record.number)
            sources = [self._source(each) for each in record.sources]
            return carry_on(method.propose(sources, rng), completions)
        if record.candidate_id is None:
            raise LookupError("an answer conversation without its candidate")
        found = self._machine[record.candidate_id]
        candidate = Candidate(found["instruction"], found["is_classification"])
        return carry_on(method.answer(candidate), completions)

    def _source(self, stored: Mapping[str, object]) -> Source:
        key = str(stored["id"])
        if stored["kind"] == SourceKind.SEED:
            return self._context.seeds.by_id[key]
        return Source(SourceKind.MACHINE, key, self._machine[UUID(key)]["instruction"])

    def _completion(self, answered: tuple[SlotRecord, str, bytes]) -> Completion | str:
        _, endpoint, raw = answered
        read = read_reply(Endpoint(endpoint), raw)
        return read.completion if read.completion is not None else read.rejection or "unreadable"

    def _reject(self, slot: SlotRecord, reason: str) -> None:
        self._end(slot, SlotState.REJECTED, reason)

    def _end(self, slot: SlotRecord, state: SlotState, reason: str) -> None:
        self._move(slot, state, reason)
        self.writes.failed.append(slot.conversation_id)
        self.writes.tally["drop", reason] += 1

    def _move(self, slot: SlotRecord, state: SlotState, reason: str | None = None) -> None:
        self.writes.changes.append({"id": slot.id, "state": state, "reason": reason})
        self.writes.tally["slot", slot.state] -= 1
        self.writes.tally["slot", state] += 1

    def _take(
        self,
        slot: SlotRecord,
        following: Prompt | Finished[Sequence[Candidate]] | Finished[Answer],
    ) -> None:
        if isinstance(following, Prompt):
            self._move(slot, SlotState.DONE)
            self.writes.slots.append(
                next_slot(self._records[slot.conversation_id], slot.position + 1, following)
            )
            self.writes.tally["slot", SlotState.READY] += 1
            return
        if isinstance(following.outcome, Answer):
            useful = self._take_answer(slot, following.outcome)
        else:
            useful = self._take_candidates(slot, following.outcome)
        if not useful:
            self.writes.tally["drop", "no_items"] += 1
        self._move(
            slot,
            SlotState.DONE if useful else SlotState.REJECTED,
            None if useful else "no_items",
        )
        self.writes.done.append(slot.conversation_id)

    def _take_candidates(self, slot: SlotRecord, found: Sequence[Candidate]) -> bool:
        for position, candidate in enumerate(found):
            state = CandidateState.REJECTED if candidate.dropped else CandidateState.PROPOSED
            self.writes.candidates.append(
                {
                    "id": new_id(),
                    "job_id": slot.job_id,
                    "pool_id": self._context.job.pool_id,
                    "conversation_id": slot.conversation_id,
                    "slot_id": slot.id,
                    "number": slot.number,
                    "position": position,
                    "instruction": candidate.instruction,
                    "is_classification": candidate.is_classification,
                    "state": state,
                    "reasons": list(candidate.reasons),
                }
            )
            self.writes.tally["candidate", state] += 1
            if candidate.reasons:
                self.writes.tally["drop", candidate.reasons[0]] += 1
        return bool(found)

    def _take_answer(self, slot: SlotRecord, answer: Answer) -> bool:
        record = self._records[slot.conversation_id]
        if record.candidate_id is None:
            raise LookupError("an answer conversation without its candidate")
        candidate = self._machine[record.candidate_id]
        if answer.is_classification is not None:
            self.writes.verdicts[record.candidate_id] = answer.is_classification
        for position, instance in enumerate(answer.instances):
            state = RowState.REJECTED if instance.dropped else RowState.ACCEPTED
            self.writes.rows.append(
                {
                    "id": new_id(),
                    "job_id": slot.job_id,
                    "candidate_id": record.candidate_id,
                    "slot_id": slot.id,
                    "pool_seq": candidate["pool_seq"],
                    "position": position,
                    "instruction": candidate["instruction"],
                    "input": instance.input,
                    "output": instance.output,
                    "is_classification": answer.is_classification,
                    "state": state,
                    "reasons": list(instance.reasons),
                    "nearest_row_id": None,
                    "nearest_score": None,
                    "simulated": self._context.job.simulated,
                }
            )
            self.writes.tally["row", state] += 1
            if instance.reasons:
                self.writes.tally["drop", instance.reasons[0]] += 1
        return bool(answer.instances)


def next_slot(record: ConversationRecord, position: int, prompt: Prompt) -> SlotRecord:
    """A ready slot for a prompt of a conversation."""
    return SlotRecord(
        id=new_id(),
        job_id=record.job_id,
        conversation_id=record.id,
        kind=record.kind,
        number=record.number,
        position=position,
        step=prompt.step,
        prompt=prompt_as_json(prompt),
        digest=prompt.digest,
        state=SlotState.READY,
        attempt=0,
        failures=0,
        reserved_micro_usd=0,
        answered_attempt=None,
    )


def _write(connection: Connection, context: JobContext, writes: _Writes) -> None:
    slots.change(connection, writes.changes)
    conversations.finish(connection, writes.done, ConversationState.DONE)
    conversations.finish(connection, writes.failed, ConversationState.FAILED)
    slots.insert(connection, writes.slots)
    candidates.insert(connection, writes.candidates)
    candidates.classify(connection, writes.verdicts)
    rows.insert(connection, writes.rows)
    counts.add(connection, context.job.id, writes.tally)


def revive(runtime: Runtime, context: JobContext) -> None:
    """Give stranded conversations (their next slot was withdrawn) that slot again.

    Only a running job carries them on.
    """
    with runtime.database.transaction() as connection:
        job = jobs.lock(connection, context.job.id)
        if job is None or job.state is not JobState.RUNNING:
            return
        records = {each.id: each for each in conversations.stranded(connection, context.job.id)}
        if not records:
            return
        answers = slots.answers_of(connection, set(records))
        reader = _Reader(context, records, answers)
        reader.resolve(connection)
        writes = _Writes()
        for record in records.values():
            _revive(reader, record, answers, writes)
        _write(connection, context, writes)


def _revive(
    reader: _Reader, record: ConversationRecord, answers: _Answers, writes: _Writes
) -> None:
    said = answers.get(record.id, ())
    read = [read_reply(Endpoint(endpoint), raw).completion for _, endpoint, raw in said]
    following = reader.follow(record, [each for each in read if each is not None])
    if isinstance(following, Prompt):
        writes.slots.append(next_slot(record, len(said), following))
        writes.tally["slot", SlotState.READY] += 1
