"""A slice: one stretch of work on one job, in turns: send calls, store replies, take a turn.

Whatever a slice holds in memory is either in Postgres too or not paid for, but for replies that
Postgres has not taken yet (`returns`): those it keeps and offers again.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import structlog

from app.db import claimants, jobs, slots
from app.domain.lifecycle import JobReason, JobState
from app.errors import InsufficientStorage, InvalidInput, NotFound, Unavailable
from app.llm.client import Door
from app.runtime import Runtime
from app.use_cases.apart import Apart
from app.use_cases.claiming import Asker, take_back
from app.use_cases.converse import READ_AT_ONCE, revive
from app.use_cases.job_context import JobContext, SeedCache, load
from app.use_cases.memory import Memory
from app.use_cases.pool_indexes import PoolIndexes
from app.use_cases.probing import probed
from app.use_cases.quiet import Quiet
from app.use_cases.returns import Returns
from app.use_cases.settling import ending_of
from app.use_cases.sweep import charge_forgotten
from app.use_cases.turn import Turn, Wishes, take_turn

# Replies that come within this time are stored together and answered by one claim; the calls held
# ready behind those under way keep the teacher busy meanwhile.
_TURN_S = 0.04
_FEW_CALLS, _WAVE = 16, 50
_PLAN_EVERY_S = 0.25
_SHORTLY_S = 0.05
_TELL_EVERY_S = 1.0
_ADMIT_EVERY_S = 0.1
_LINGER_S = 2.0
_RETRY_S = 1.0
_HOLD_S = 600.0
_HOLD_STOPPING_S = 20.0
_AWAY = (Unavailable, InsufficientStorage)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Bench:
    """What the slices of a process share."""

    runtime: Runtime
    door: Door
    worker_id: UUID
    seeds: SeedCache
    row_indexes: PoolIndexes
    stopping: threading.Event
    others_wait: Callable[[UUID], bool]
    quiet: Quiet


class Slice:
    """Drives one job until it needs nothing from us, others want its thread, or the end."""

    def __init__(self, bench: Bench, job_id: UUID) -> None:
        self._bench = bench
        self._runtime = bench.runtime
        self._job_id = job_id
        self._memory = Memory()
        self._returns = Returns(bench.runtime, job_id, self._memory)
        self._claim_in_doubt = False
        self._probe: str | None = None
        self._state: JobState | None = JobState.RUNNING
        self._withdrawn = False
        self._proposed = False
        self._apart = Apart(bench.runtime, bench.worker_id, bench.quiet, job_id)
        self._hungry: bool = False
        self._unread = False
        self._turned_s = 0.0
        self._next_plan_s = 0.0
        self._next_tell_s = 0.0
        self._next_admit_s = 0.0
        self._idle_since_s: float | None = None
        self._away_since_s: float | None = None

    def nudge(self) -> None:
        """Look at the job again soon: something happened to it. Safe from any thread."""
        self._returns.nudge()

    def run(self) -> bool:
        """Work until the job needs nothing from us (False), or the thread must be left (True)."""
        try:
            context = self._begin()
        except NotFound:
            return False
        except InvalidInput as error:
            self._fail(error.detail)
            return False
        try:
            over = self._work(context)
        finally:
            self._leave(context)
        if self._state in {JobState.RUNNING, JobState.CANCELLING} and over:
            self._runtime.wake.generate(self._job_id)
        return over

    def _work(self, context: JobContext) -> bool:
        """Take turns until there is nothing left to do here; returns whether time was up."""
        deadline_s = self._now_s() + self._runtime.settings.slice_s
        over = False
        while True:
            if not over and self._now_s() > deadline_s:
                over = self._bench.others_wait(self._job_id)
                deadline_s = self._now_s() + self._runtime.settings.slice_s
            over = over or self._bench.stopping.is_set()
            try:
                if not self._turn(context, claiming=not over):
                    return over
                self._away_since_s = None
            except _AWAY as error:
                self._memory.forget()
                _log.warning("slice_waits", job=str(self._job_id), detail=error.detail)
                if self._gives_up():
                    raise
                time.sleep(_RETRY_S)
            except Exception:
                self._memory.forget()
                self._bring_home()
                raise

    def _now_s(self) -> float:
        return self._runtime.monotonic_s()

    def _fail(self, detail: str) -> None:
        """Nobody can go on with this job: its options are not those of this version."""
        reason = JobReason.OPTIONS_NOT_UNDERSTOOD
        with self._runtime.database.transaction() as connection:
            for target in (JobState.FAILED, JobState.CANCELLED):
                if jobs.move(connection, self._job_id, target, reason=reason, detail=detail):
                    return

    def _leave(self, context: JobContext) -> None:
        """Ring for what was proposed last, and leave our part of the teacher to others."""
        context.close()
        if self._proposed:
            self._runtime.wake.admit(context.job.pool_id)
        self._apart.settle(0)
        self._apart.leave()
        with suppress(*_AWAY), self._runtime.database.transaction() as connection:
            claimants.leave(connection, self._bench.worker_id, self._job_id)

    def _bring_home(self) -> None:
        """Wait for the calls under way and store their replies, before the slice fails."""
        while self._returns.under_way:
            self._returns.gather(0.0 if self._returns.waiting else _SHORTLY_S)
            try:
                self._store()
            except _AWAY:
                if self._gives_up():
                    return
                time.sleep(_RETRY_S)

    def _gives_up(self) -> bool:
        """Paid replies are held for minutes while Postgres is away, for seconds at the end."""
        if self._away_since_s is None:
            self._away_since_s = self._now_s()
        longest_s = _HOLD_STOPPING_S if self._bench.stopping.is_set() else _HOLD_S
        return self._now_s() - self._away_since_s > longest_s

    def _begin(self) -> JobContext:
        while True:
            try:
                context = load(self._runtime, self._bench.seeds, self._job_id)
                # No slice before this one lives: what it left under way nobody waits for.
                charge_forgotten(self._runtime, self._bench.worker_id, self._job_id)
                revive(self._runtime, context)
                return context
            except _AWAY:
                if self._bench.stopping.wait(_RETRY_S):
                    raise

    # A turn

    def _turn(self, context: JobContext, *, claiming: bool) -> bool:
        """Wait for news, store it, act on it; False when there is nothing left to do here."""
        nudged = self._wait_for_news()
        if claiming and self._runs_dry():
            self._act(context, Wishes(self._bench.worker_id, self._asker(context), reads=False))
        stored = self._store()
        if self._claim_in_doubt:
            sent = self._returns.sent
            take_back(self._runtime, self._bench.worker_id, self._job_id, sent)
            self._claim_in_doubt = False
        running = self._state is JobState.RUNNING
        apart = claiming and self._apart.look(running=running)
        late = self._now_s() >= self._next_plan_s
        due = late or nudged or apart or not self._returns.under_way or self._unread
        turn = self._act(context, self._wishes(context, claiming, due)) if stored or due else None
        self._ring(context)
        if not claiming or self._state is not JobState.RUNNING:
            self._take_home()
        news = turn and (turn.read or turn.calls or turn.served or turn.free)
        if self._returns.under_way or news:
            self._idle_since_s = None
            return True
        if claiming and self._apart.wanted:
            return not self._bench.stopping.wait(_SHORTLY_S)
        return claiming and self._lingers()

    def _wait_for_news(self) -> bool:
        """Gather replies as they come; True when somebody nudged us."""
        if not self._returns.under_way or self._returns.waiting or self._unread:
            return self._returns.gather(0.0)
        nudged = self._returns.gather(max(0.0, self._next_plan_s - self._now_s()))
        pause_s = self._turned_s + _TURN_S - self._now_s()
        if pause_s > 0 and self._returns.under_way > _FEW_CALLS and not self._runs_dry():
            time.sleep(pause_s)
            nudged = self._returns.gather(0.0) or nudged
        self._turned_s = self._now_s()
        return nudged

    def _runs_dry(self) -> bool:
        """Whether so much came back at once that the calls held ready do not cover it.

        Then others are claimed before anything is stored: the teacher must not wait for that. Of
        many calls a tenth may be a wave: storing and reading it takes longer than those held last.
        """
        left = self._returns.under_way - self._returns.waiting
        wave = min(max(_FEW_CALLS, left // 2), _WAVE)
        return self._returns.waiting > wave and not self._claim_in_doubt

    def _wishes(self, context: JobContext, claiming: bool, plans: bool) -> Wishes:
        asker = self._asker(context) if claiming else None
        drives = asker is not None or (claiming and context.job.teacher_id is None)
        tells = drives and self._now_s() >= self._next_tell_s
        return Wishes(self._bench.worker_id, asker, plans, tells)

    def _asker(self, context: JobContext) -> Asker | None:
        if context.job.teacher_id is None or not self._apart.may_claim():
            return None
        teacher_id, door = str(context.job.teacher_id), self._bench.door
        able, latency_s = door.concurrency(teacher_id), door.latency_s(teacher_id)
        arrived, suspects = self._returns.waiting, self._apart.has_quiet
        return Asker(self._bench.worker_id, able, latency_s, arrived, suspects=suspects)

    def _act(self, context: JobContext, wishes: Wishes) -> Turn:
        self._claim_in_doubt = self._claim_in_doubt or wishes.asker is not None
        indexes = self._bench.row_indexes
        turn = take_turn(self._runtime, context, self._memory, indexes, wishes)
        self._claim_in_doubt = False
        self._after(turn, wishes)
        for call in turn.calls:
            self._bench.door.start(call, self._returns.expect(call))
        self._apart.settle(self._returns.under_way)
        return turn

    def _after(self, turn: Turn, wishes: Wishes) -> None:
        self._state = turn.state
        self._proposed = self._proposed or turn.proposed
        if wishes.reads:
            self._unread = turn.read >= READ_AT_ONCE
        if turn.state is JobState.RUNNING:
            self._withdrawn = False
        elif turn.calls:
            # Sent although the job rests: the one call that finds out whether the teacher serves.
            self._probe, self._withdrawn = turn.calls[0].key, True
        if wishes.tells or turn.hungry is not self._hungry:
            self._next_tell_s = self._now_s() + (_TELL_EVERY_S if wishes.tells else 0.0)
        self._hungry = turn.hungry
        if wishes.plans:
            wait_s = _PLAN_EVERY_S if self._returns.under_way or turn.calls else _SHORTLY_S
            self._next_plan_s = self._now_s() + wait_s
        if turn.served or (turn.calls and not turn.hungry):
            self._next_plan_s = self._now_s()  # there was room for more: there may be more

    def _ring(self, context: JobContext) -> None:
        """Have new candidates admitted, many with one bell."""
        if self._proposed and self._now_s() >= self._next_admit_s:
            self._runtime.wake.admit(context.job.pool_id)
            self._proposed = False
            self._next_admit_s = self._now_s() + _ADMIT_EVERY_S

    def _take_home(self) -> None:
        """Take back the calls that have not left yet; those under way are waited for."""
        if self._returns.under_way and not self._withdrawn:
            self._bench.door.withdraw({key for key, _ in self._returns.sent})
            self._withdrawn = True

    def _store(self) -> bool:
        """Store the oldest replies; True if there were any."""
        part = self._returns.store()
        self._apart.settle(self._returns.under_way)
        for reply in part:
            if reply.call.key == self._probe:
                self._probe = None
                probed(self._runtime, UUID(reply.call.teacher.id), ending_of(reply))
        return bool(part)

    def _lingers(self) -> bool:
        """Whether to stay a moment: slots that wait for their time, candidates for admission."""
        if self._state is not JobState.RUNNING:
            return False
        now_s = self._now_s()
        if self._idle_since_s is None:
            self._idle_since_s = now_s
        with self._runtime.database.transaction() as connection:
            next_s = slots.seconds_to_next(connection, self._job_id)
        if next_s is not None and next_s > _LINGER_S:
            # Too long to hold a thread: the sweep rings again.
            return False
        self._bench.stopping.wait(min(_SHORTLY_S, next_s) if next_s else _SHORTLY_S)
        return now_s - self._idle_since_s < _LINGER_S
