"""Decide under the job's lock what to begin next, or that the job is over."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from app.db import candidates, conversations, counts, jobs, pools, slots, teachers
from app.db.counts import Tally
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.conversing import Finished, carry_on
from app.domain.lifecycle import (
    CandidateState,
    ConversationKind,
    ConversationState,
    JobReason,
    JobState,
    SlotState,
)
from app.domain.method import Order
from app.domain.planning import (
    ZERO_YIELD_LIMIT,
    NoveltyWindow,
    Standing,
    answers_to_begin,
    proposals_to_begin,
    reason_to_end,
)
from app.domain.records import Candidate
from app.domain.stored import ConversationRecord, Job, SlotRecord
from app.runtime import Runtime
from app.use_cases.converse import next_slot
from app.use_cases.ending import end_job
from app.use_cases.job_context import DrawPool, JobContext

_MOST_BEGUN_AT_ONCE = 200


def plan(runtime: Runtime, context: JobContext) -> JobState | None:
    """Begin what the job needs next; returns where the job stands now, None when it is gone."""
    with runtime.database.transaction() as connection:
        job = jobs.lock(connection, context.job.id)
        if job is None:
            return None
        match job.state:
            case JobState.QUEUED:
                _start(connection, job)
                _plan_running(connection, context, job)
            case JobState.RUNNING:
                _plan_running(connection, context, job)
            case JobState.CANCELLING:
                end_job(connection, job, JobState.CANCELLED, JobReason.REQUESTED)
            case _:
                return job.state
        after = jobs.get(connection, job.id)
        return after.state if after else None


def _start(connection: Connection, job: Job) -> None:
    pools.fill_with_seeds(connection, job.pool_id, job.seed_set_id)
    jobs.move(connection, job.id, JobState.RUNNING)


def _plan_running(connection: Connection, context: JobContext, job: Job) -> None:
    standing = _standing(connection, job)
    window = _window(connection, context, job)
    strict = context.method.order is Order.STRICT
    ending = reason_to_end(
        standing, window, calls=job.calls, cap_calls=job.cap_calls, whole_rounds=strict
    )
    if ending is JobReason.NO_USABLE_REPLIES and _tries_again(connection, job):
        ending = None
    if ending is not None:
        target = JobState.SUCCEEDED
        if ending is JobReason.NO_USABLE_REPLIES:
            target = JobState.PAUSED
        end_job(connection, job, target, ending, _detail(ending, job))
        return
    if strict:
        _plan_round(connection, context, job, standing)
        return
    _begin_answers(connection, context, job, answers_to_begin(standing))
    wanted = proposals_to_begin(standing, most_open=_most_open(connection, job))
    if not window.exhausted:
        _begin_proposals(connection, context, job, wanted)


def _tries_again(connection: Connection, job: Job) -> bool:
    """Whether a job that was paused for its useless replies has not had as many since."""
    pauses = [
        event.at
        for event in jobs.events(connection, job.id)
        if event.to_state == JobState.PAUSED and event.reason == JobReason.NO_USABLE_REPLIES
    ]
    if not pauses:
        return False
    ended = conversations.proposals_ended(connection, job.id, begun_after=pauses[-1])
    return ended < ZERO_YIELD_LIMIT


def _plan_round(connection: Connection, context: JobContext, job: Job, standing: Standing) -> None:
    """Under strict order: a whole round of prompts, then all its candidates, then its answers."""
    if not standing.idle:
        return
    if standing.candidates_unanswered:
        _begin_answers(connection, context, job, answers_to_begin(standing))
    else:
        _begin_proposals(connection, context, job, context.method.round_size)


def _detail(reason: JobReason, job: Job) -> str | None:
    match reason:
        case JobReason.CALLS_EXHAUSTED:
            return f"{job.calls} calls were made; the cap is {job.cap_calls}."
        case JobReason.NO_USABLE_REPLIES:
            return "No reply so far held an instruction. Look at the calls of this job."
        case JobReason.NOVELTY_EXHAUSTED:
            return "Nearly all new candidates repeat earlier ones. Other seeds would help."
        case _:
            return None


def _standing(connection: Connection, job: Job) -> Standing:
    tallies = counts.of_job(connection, job.id)
    judged: Mapping[str, int] = tallies.get("candidate", {})
    open_now = conversations.count_open(connection, job.id)
    waiting, unanswered = candidates.waiting(connection, job.id)
    return Standing(
        target_rows=job.target_rows,
        accepted_rows=tallies.get("row", {}).get("accepted", 0),
        proposals_begun=job.next_propose,
        proposals_open=open_now.get(ConversationKind.PROPOSE, 0),
        answers_begun=job.next_answer,
        answers_open=open_now.get(ConversationKind.ANSWER, 0),
        candidates_waiting=waiting,
        candidates_unanswered=unanswered,
        novel=judged.get(CandidateState.NOVEL, 0),
        duplicates=judged.get(CandidateState.DUPLICATE, 0),
        parsed=sum(judged.values()),
    )


def _window(connection: Connection, context: JobContext, job: Job) -> NoveltyWindow:
    size = context.method.novelty_window
    fates = candidates.recent_fates(connection, job.id, size)
    return NoveltyWindow(
        judged=sum(fates.values()),
        novel=fates.get(CandidateState.NOVEL, 0),
        full=size,
        floor=context.method.novelty_floor,
    )


def _most_open(connection: Connection, job: Job) -> int:
    teacher = teachers.get(connection, job.teacher_id)
    return min(_MOST_BEGUN_AT_ONCE, teacher.max_concurrency) if teacher else 0


def _begin_answers(connection: Connection, context: JobContext, job: Job, wanted: int) -> None:
    taken = candidates.take_unanswered(connection, job.id, wanted) if wanted else ()
    records: list[ConversationRecord] = []
    begun: list[SlotRecord] = []
    for number, each in enumerate(taken, job.next_answer):
        record = _record(job, ConversationKind.ANSWER, number, each["id"], [])
        candidate = Candidate(each["instruction"], each["is_classification"])
        following = carry_on(context.method.answer(candidate), [])
        if not isinstance(following, Finished):
            records.append(record)
            begun.append(next_slot(record, 0, following))
    _store(connection, job, records, begun, next_answer=len(taken))


def _begin_proposals(connection: Connection, context: JobContext, job: Job, wanted: int) -> None:
    if wanted <= 0:
        return
    pool = DrawPool(connection, pools.get(connection, job.pool_id), context.seeds)
    records: list[ConversationRecord] = []
    begun: list[SlotRecord] = []
    for number in range(job.next_propose, job.next_propose + wanted):
        draw_rng = context.rng(ConversationKind.PROPOSE, number)
        sources = context.method.draw(pool, number, draw_rng)
        shown = [{"kind": each.kind, "id": each.id} for each in sources]
        record = _record(job, ConversationKind.PROPOSE, number, None, shown)
        # A fresh generator, as at every replay: what the draw used up must not matter.
        rng = context.rng(ConversationKind.PROPOSE, number)
        following = carry_on(context.method.propose(sources, rng), [])
        if not isinstance(following, Finished):
            records.append(record)
            begun.append(next_slot(record, 0, following))
    _store(connection, job, records, begun, next_propose=wanted)


def _record(
    job: Job,
    kind: ConversationKind,
    number: int,
    candidate_id: UUID | None,
    sources: Sequence[Mapping[str, object]],
) -> ConversationRecord:
    return ConversationRecord(
        id=new_id(),
        job_id=job.id,
        kind=kind,
        number=number,
        candidate_id=candidate_id,
        sources=sources,
        state=ConversationState.OPEN,
    )


def _store(
    connection: Connection,
    job: Job,
    records: list[ConversationRecord],
    begun: list[SlotRecord],
    **numbers: int,
) -> None:
    if not any(numbers.values()):
        return
    conversations.insert(connection, records)
    slots.insert(connection, begun)
    jobs.add(connection, job.id, **numbers)
    counts.add(connection, job.id, Tally({("slot", SlotState.READY): len(begun)}))
