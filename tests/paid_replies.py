"""Nothing paid is dropped: stored replies are read again, bills are held against the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.domain.conversing import Finished, carry_on
from app.domain.lifecycle import FINAL_JOB_STATES, ConversationKind
from app.domain.method import Completion, Conversation
from app.domain.records import Answer, Source, SourceKind
from app.llm.replies import read_reply
from app.llm.teacher import Endpoint
from app.runtime import Runtime
from app.use_cases.job_context import JobContext, SeedCache, load, machine_source
from app.use_cases.memory import candidate_of


def check_readings(runtime: Runtime) -> None:
    """Read every stored reply again: what it yields is what is stored, no more and no less."""
    with runtime.database.transaction() as connection:
        job_ids = connection.execute(sa.text("SELECT id FROM jobs")).scalars().all()
    seeds = SeedCache()
    for job_id in job_ids:
        expected, stored = _read_again(runtime, load(runtime, seeds, job_id)), set[_Yielded]()
        with runtime.database.transaction() as connection:
            for query in _YIELDED:
                found = connection.execute(sa.text(query), {"job": job_id})
                stored |= {(row[0], row[1], tuple(row[2:])) for row in found}
        assert expected == stored, (job_id, expected ^ stored)


_Yielded = tuple[UUID, int, tuple[str, ...]]
_YIELDED = (
    """SELECT candidates.conversation_id, candidates.position, instruction
       FROM candidates JOIN slots ON slots.id = candidates.slot_id
            AND slots.conversation_id = candidates.conversation_id
       WHERE candidates.job_id = :job""",
    # What came along with its candidate was read with that, and needed no call of its own.
    """SELECT conversations.id, rows.position, input, output
       FROM rows JOIN conversations USING (candidate_id) JOIN slots ON slots.id = rows.slot_id
            AND slots.conversation_id = conversations.id
       WHERE rows.job_id = :job""",
)
_SAID = """
    SELECT slots.conversation_id, step, endpoint, raw FROM slots JOIN completions
        ON completions.slot_id = slots.id AND completions.attempt = slots.answered_attempt
    WHERE slots.job_id = :job AND state IN ('done', 'rejected') ORDER BY number, position"""
_TALKS = """
    SELECT conversations.id, conversations.kind, conversations.number, conversations.sources,
        candidates.instruction, candidates.is_classification, candidates.instances, candidates.facts
    FROM conversations LEFT JOIN candidates ON candidates.id = conversations.candidate_id
    WHERE conversations.job_id = :job"""


@dataclass
class _Job:
    """What is stored of a job, as far as replies are read by it."""

    context: JobContext
    said: dict[UUID, list[tuple[str, Completion | None]]]
    machine: Mapping[str, Mapping[str, Any]]
    talks: Sequence[sa.Row[Any]]


def _stored(runtime: Runtime, context: JobContext) -> _Job:
    values = {"job": context.job.id}
    said: dict[UUID, list[tuple[str, Completion | None]]] = {}
    with runtime.database.transaction() as connection:
        for conversation_id, step, endpoint, raw in connection.execute(sa.text(_SAID), values):
            read = read_reply(Endpoint(endpoint), bytes(raw)).completion
            said.setdefault(conversation_id, []).append((step, read))
        texts = sa.text("SELECT id, instruction, instances FROM candidates WHERE job_id = :job")
        machine = {str(row.id): row._asdict() for row in connection.execute(texts, values)}
        talks = connection.execute(sa.text(_TALKS), values).fetchall()
    return _Job(context, said, machine, talks)


def _read_again(runtime: Runtime, context: JobContext) -> set[_Yielded]:
    job = _stored(runtime, context)
    found: set[_Yielded] = set()
    for talk in job.talks:
        said = job.said.get(talk.id, [])
        heard = [completion for _, completion in said if completion is not None]
        if said and len(heard) == len(said):
            following = carry_on(_begun(job, talk, first_step=said[0][0]), heard)
            found |= {(talk.id, *each) for each in _yielded(following)}
    return found


def _begun(job: _Job, talk: Any, *, first_step: str) -> Conversation[Any]:
    context = job.context
    if talk.kind == ConversationKind.PROPOSE:
        shown = [_source(context, job.machine, each) for each in talk.sources]
        return context.method.propose(shown, context.rng(talk.kind, talk.number))
    # Whether it is a classification was not known yet where that was asked first.
    known = None if first_step == "classify" else talk.is_classification
    return context.method.answer(candidate_of({**talk._asdict(), "is_classification": known}))


def _source(
    context: JobContext, machine: Mapping[str, Mapping[str, Any]], stored: Mapping[str, str]
) -> Source:
    if stored["kind"] == SourceKind.SEED:
        return context.seeds.by_id[stored["id"]]
    found = machine[stored["id"]]
    whole = found if context.method.SHOWS_WHOLE_ROWS else None
    return machine_source(stored["id"], found["instruction"], whole)


def _yielded(following: object) -> list[tuple[int, tuple[str, ...]]]:
    match following:
        case Finished(Answer(instances=instances)):
            return [(place, (each.input, each.output)) for place, each in enumerate(instances)]
        case Finished(outcome):
            return [(place, (each.instruction,)) for place, each in enumerate(outcome)]
        case _:
            return []


def check_bill(runtime: Runtime, job_id: str, arrived: Mapping[tuple[str, int], bool]) -> None:
    """Hold what reached a teacher, by (slot, attempt) and whether it is to be paid, against the
    ledger: all of it was reserved before, and what is to be paid was charged."""
    query = sa.text(
        "SELECT slot_id, attempt, sum(spent_delta) FROM ledger WHERE job_id = :job "
        "AND slot_id IS NOT NULL GROUP BY slot_id, attempt"
    )
    with runtime.database.transaction() as connection:
        found = connection.execute(query, {"job": job_id}).fetchall()
        state = connection.execute(
            sa.text("SELECT state FROM jobs WHERE id = :job"), {"job": job_id}
        ).scalar()
    spent = {(str(slot), attempt): int(spent) for slot, attempt, spent in found}
    assert arrived.keys() <= spent.keys(), sorted(arrived.keys() - spent.keys())[:5]
    if state in FINAL_JOB_STATES:
        unpaid = [which for which, paid in arrived.items() if paid and spent[which] <= 0]
        assert not unpaid, unpaid[:5]
