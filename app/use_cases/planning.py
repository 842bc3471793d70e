"""Decide under the job's lock what to begin next, or that the job is over."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from app.db import candidates, conversations, counts, job_sources, jobs, pools, slots, teachers
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.lifecycle import (
    CandidateState,
    ConversationKind,
    ConversationState,
    Delivery,
    JobReason,
    JobState,
    RowState,
)
from app.domain.materials import Material
from app.domain.method import Order, Prompt
from app.domain.planning import (
    ZERO_YIELD_LIMIT,
    NoveltyWindow,
    Standing,
    answers_to_begin,
    proposals_to_begin,
    reason_to_end,
)
from app.domain.records import Source
from app.domain.stored import ConversationRecord, Job, NewSlot
from app.runtime import Runtime
from app.use_cases.converse import next_slot
from app.use_cases.draft import Draft
from app.use_cases.ending import end_job
from app.use_cases.job_context import DrawPool, JobContext
from app.use_cases.memory import Memory, Talk
from app.use_cases.outcomes import Findings, sift
from app.use_cases.row_novelty import RowRule

_MOST_OPEN_IN_BATCHES = 50_000
_MOST_BEGUN_AT_ONCE = 250  # calls should go out in between


def plan(runtime: Runtime, context: JobContext) -> JobState | None:
    """Plan in a transaction of its own; returns where the job stands, None when it is gone."""
    with runtime.database.transaction() as connection:
        job = jobs.lock(connection, context.job.id)
        if job is None:
            return None
        draft = Draft()
        plan_locked(connection, context, job, draft, Memory(), RowRule(None))
        draft.write(connection, job.id)
        after = jobs.get(connection, job.id)
        return after.state if after else None


def plan_locked(
    connection: Connection,
    context: JobContext,
    job: Job,
    draft: Draft,
    memory: Memory,
    rule: RowRule,
) -> Findings:
    """Begin what a locked job needs next, or end it; `draft` holds what is not yet written.

    Returns what came of conversations that need no call, written already but for the counts.
    """
    planned = _Plan(connection, context, job, draft, memory, rule)
    match job.state:
        case JobState.QUEUED:
            _start(connection, context, job)
            planned.go()
        case JobState.RUNNING:
            planned.go()
        case JobState.CANCELLING:
            end_job(connection, job, JobState.CANCELLED, JobReason.REQUESTED)
        case _:
            pass
    return planned.free


def _start(connection: Connection, context: JobContext, job: Job) -> None:
    if context.method.SEEDS_IN_POOL and job.seed_set_id is not None:
        pools.fill_with_seeds(connection, job.pool_id, job.seed_set_id)
    if context.method.DRAWS_FROM is Material.JOBS:
        job_sources.lay_out(connection, job.id, job.random_seed)
    jobs.move(connection, job.id, JobState.RUNNING)


class _Plan:
    """One round of planning for a running job, whose row is locked."""

    def __init__(
        self,
        connection: Connection,
        context: JobContext,
        job: Job,
        draft: Draft,
        memory: Memory,
        rule: RowRule,
    ) -> None:
        self._connection = connection
        self._context = context
        self._job = job
        self._draft = draft
        self._memory = memory
        self._rule = rule
        self.free = Findings()

    def go(self) -> None:
        """Begin what is needed next, or end the job."""
        standing, window = self._standing(), self._window()
        strict = self._context.method.order is Order.STRICT
        ending = reason_to_end(
            standing,
            window,
            calls=self._job.calls + self._draft.numbers["calls"],
            cap_calls=self._job.cap_calls,
            whole_rounds=strict,
        )
        if ending is JobReason.NO_USABLE_REPLIES and _tries_again(self._connection, self._job):
            ending = None
        if ending is not None:
            self._end(ending)
        elif self._job.reason == JobReason.RETRY_FAILED:
            self._only_wanted()
        elif strict:
            self._begin_round(standing)
        else:
            most_open = self._most_open()
            # Answers for twice as many, so that some are ready when a burst of replies comes back.
            wanted = min(answers_to_begin(standing), 2 * most_open)
            self._begin_answers(min(wanted, _MOST_BEGUN_AT_ONCE))
            if not window.exhausted:
                wanted = proposals_to_begin(standing, most_open=most_open)
                self._begin_or_end(standing, min(wanted, _MOST_BEGUN_AT_ONCE))

    def _begin_or_end(self, standing: Standing, wanted: int) -> None:
        """Propose; a job that has nothing left to propose from ends when all else is done."""
        wanted = self._context.ready(self._job.next_propose, wanted)
        begun = self._begin_proposals(wanted)
        if wanted > 0 and not begun and standing.idle and not standing.candidates_unanswered:
            self._end(JobReason.SOURCES_EXHAUSTED)

    def _end(self, reason: JobReason) -> None:
        useless = reason is JobReason.NO_USABLE_REPLIES
        target = JobState.PAUSED if useless else JobState.SUCCEEDED
        end_job(self._connection, self._job, target, reason, _detail(reason, self._job))

    def _only_wanted(self) -> None:
        """Begin nothing: the job had ended, and ends again once its failed calls were retried."""
        former = jobs.ended_for(self._connection, self._job.id)
        if former and not conversations.wanted_open(self._connection, self._job.id):
            self._end(JobReason(former))

    def _begin_round(self, standing: Standing) -> None:
        """Under strict order: a round of prompts, then all its candidates, then its answers."""
        if not standing.idle:
            return
        if standing.candidates_unanswered:
            self._begin_answers(answers_to_begin(standing))
        else:
            self._begin_or_end(standing, self._context.method.round_size)

    def _standing(self) -> Standing:
        known = counts.of_job(self._connection, self._job.id)
        tally = Counter(
            {(family, name): n for family, names in known.items() for name, n in names.items()}
        )
        tally.update(self._draft.tally)
        open_now = conversations.count_open(self._connection, self._job.id)
        novel = tally["candidate", CandidateState.NOVEL]
        duplicates = tally["candidate", CandidateState.DUPLICATE]
        return Standing(
            target_rows=self._job.target_rows,
            accepted_rows=tally["row", RowState.ACCEPTED],
            proposals_begun=self._job.next_propose,
            proposals_open=open_now.get(ConversationKind.PROPOSE, 0),
            answers_begun=self._job.next_answer,
            answers_open=open_now.get(ConversationKind.ANSWER, 0),
            candidates_waiting=tally["candidate", CandidateState.PROPOSED],
            # Each answer that was begun took one novel candidate.
            candidates_unanswered=novel - self._job.next_answer,
            novel=novel,
            duplicates=duplicates,
            parsed=sum(tally["candidate", state] for state in CandidateState),
            expected_novel=self._context.method.expected_novel,
        )

    def _window(self) -> NoveltyWindow:
        size = self._context.method.novelty_window
        fates = candidates.recent_fates(self._connection, self._job.id, size)
        return NoveltyWindow(
            judged=sum(fates.values()),
            novel=fates.get(CandidateState.NOVEL, 0),
            full=size,
            floor=self._context.method.novelty_floor,
        )

    def _most_open(self) -> int:
        """As many conversations as the teacher takes calls, and some whose call is held ready."""
        if self._job.delivery is Delivery.BATCH:
            return _MOST_OPEN_IN_BATCHES
        if self._job.teacher_id is None:
            return _MOST_BEGUN_AT_ONCE
        teacher = teachers.get(self._connection, self._job.teacher_id)
        return teacher.max_concurrency + teacher.max_concurrency // 4 + 2 if teacher else 0

    def _begin_answers(self, wanted: int) -> None:
        if wanted <= 0:
            return
        taken = candidates.take_unanswered(self._connection, self._job.id, wanted)
        talks = [
            Talk(_record(self._job, ConversationKind.ANSWER, number, each["id"], []), (), each)
            for number, each in enumerate(taken, self._job.next_answer)
        ]
        self._draft.numbers["next_answer"] += len(taken)
        self._begin(talks)

    def _begin_proposals(self, wanted: int) -> int:
        """Begin up to `wanted` conversations; returns how many had something to propose from."""
        if wanted <= 0:
            return 0
        first = self._job.next_propose
        talks: list[Talk] = []
        for number, sources in enumerate(self._drawn(range(first, first + wanted)), first):
            shown = [{"kind": each.kind, "id": each.id} for each in sources]
            record = _record(self._job, ConversationKind.PROPOSE, number, None, shown)
            talks.append(Talk(record, sources))
        self._draft.numbers["next_propose"] += len(talks)
        self._begin(talks)
        return len(talks)

    def _drawn(self, numbers: range) -> Sequence[Sequence[Source]]:
        """What each of these conversations shows: drawn once to learn which rows it takes."""
        pool = pools.get(self._connection, self._job.pool_id)
        whole = self._context.method.SHOWS_WHOLE_ROWS
        draws = DrawPool(self._connection, pool, self._context.seeds, whole=whole)
        with draws.only_learning():
            for number in numbers:
                self._draw(draws, number)
        drawn = [self._draw(draws, number) for number in numbers]
        return [sources for sources in drawn if sources is not None]

    def _draw(self, draws: DrawPool, number: int) -> Sequence[Source] | None:
        rng = self._context.rng(ConversationKind.PROPOSE, number)
        return self._context.method.draw(draws, number, rng)

    def _begin(self, talks: Sequence[Talk]) -> None:
        """Store the first prompts; what needs no call is finished, judged and written at once."""
        begun: list[tuple[Talk, Prompt]] = []
        done: list[ConversationRecord] = []
        found = Findings()
        for talk in talks:
            following = talk.resume(self._context)
            if isinstance(following, Prompt):
                begun.append((talk, following))
                continue
            done.append(replace(talk.record, state=ConversationState.DONE))
            sifted = sift(self._context, talk, following)
            found.take(self._context, talk, None, sifted, self._draft.tally)
        conversations.insert(self._connection, [*(talk.record for talk, _ in begun), *done])
        self._rule.judge(self._connection, found.rows, self._draft.tally)
        found.write(self._connection)
        self.free.candidates += found.candidates
        self.free.rows += found.rows
        self._store(begun)

    def _store(self, begun: Sequence[tuple[Talk, Prompt]]) -> None:
        waiting: list[NewSlot] = []
        for talk, prompt in begun:
            slot = next_slot(talk.record, 0, prompt)
            waiting.append(slot)
            self._memory.talks.put(talk.record.id, talk)
            self._memory.prompts.put(slot.id, prompt)
            self._draft.slot_begun()
        slots.insert(self._connection, waiting)


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


def _detail(reason: JobReason, job: Job) -> str | None:
    match reason:
        case JobReason.CALLS_EXHAUSTED:
            return f"{job.calls} calls were made; the cap is {job.cap_calls}."
        case JobReason.NO_USABLE_REPLIES:
            return "No reply so far held an instruction. Look at the calls of this job."
        case JobReason.SOURCES_EXHAUSTED if job.seed_set_id is None:
            return "Everything that the job draws from has been used."
        case JobReason.SOURCES_EXHAUSTED:
            return "Every seed has been used. More seeds would give more rows."
        case JobReason.NOVELTY_EXHAUSTED:
            return "Nearly all new candidates repeat earlier ones. Other seeds would help."
        case _:
            return None


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
