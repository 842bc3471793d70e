"""Drive jobs: a slice claims calls, sends them, stores the replies and reads them, over and over.

One engine per worker process, one slice per job at a time in it; any number of processes may work
on the same job. Whatever a slice holds in memory is either in Postgres too or not paid for, but
for replies that Postgres has not taken yet: those it keeps and offers again.
"""

import queue
import threading
import time
from contextlib import suppress
from uuid import UUID

import structlog

from app.db import jobs, slots
from app.domain.lifecycle import JobReason, JobState
from app.domain.settlement import UNHEALTHY, Ending
from app.errors import InsufficientStorage, InvalidInput, NotFound, Unavailable
from app.llm.client import Door
from app.llm.teacher import Reply
from app.runtime import Runtime
from app.use_cases.claiming import claim, take_back
from app.use_cases.converse import read_received, revive
from app.use_cases.heartbeat import Heartbeat
from app.use_cases.job_context import JobContext, SeedCache, load
from app.use_cases.planning import plan
from app.use_cases.pool_indexes import PoolIndexes
from app.use_cases.settling import store_replies
from app.use_cases.sweep import charge_forgotten

UNHEALTHY_IN_A_ROW = 20
REFUSED_IN_A_ROW = 10
_TICK_S = 0.05
_PLAN_EVERY_S = 0.1
_READ_EVERY_S = 1.0
_LINGER_S = 2.0
_RETRY_S = 1.0
_HOLD_S = 600.0
_HOLD_STOPPING_S = 20.0
_AWAY = (Unavailable, InsufficientStorage)
_log = structlog.get_logger(__name__)


class Engine:
    """The jobs that one worker process is driving; `advance` may be called from many threads."""

    def __init__(self, runtime: Runtime, door: Door, *, kind: str, host: str, process: int) -> None:
        self.runtime = runtime
        self.door = door
        self.seeds = SeedCache()
        memory_bytes = runtime.settings.novelty_memory_mib << 20
        self.row_indexes = PoolIndexes(memory_bytes=memory_bytes)
        self.stopping = threading.Event()
        self._active: dict[UUID, bool] = {}
        self._lock = threading.Lock()
        # It beats until the calls are back: who stops beating loses them to another worker.
        self._closed = threading.Event()
        self._heart = Heartbeat(runtime, self._closed, kind=kind, host=host, process=process)

    @property
    def worker_id(self) -> UUID:
        """Under which its calls are claimed."""
        return self._heart.worker_id

    def advance(self, job_id: UUID) -> None:
        """Drive a job for a slice; if this process drives it already, look again after that."""
        with self._lock:
            if job_id in self._active:
                self._active[job_id] = True
                return
            self._active[job_id] = False
        try:
            while True:
                Slice(self, job_id).run()
                with self._lock:
                    if not self._active[job_id] or self.stopping.is_set():
                        del self._active[job_id]
                        return
                    self._active[job_id] = False
        except BaseException:
            with self._lock:
                self._active.pop(job_id, None)
            raise

    def stop(self) -> None:
        """Claim nothing more; slices end once their calls have come back."""
        self.stopping.set()

    def close(self) -> None:
        """Stop, end the calls, and leave the list of workers."""
        self.stop()
        self.door.close()
        self._closed.set()
        self._heart.leave()


class Slice:
    """One stretch of work on one job."""

    def __init__(self, engine: Engine, job_id: UUID) -> None:
        self._engine = engine
        self._runtime = engine.runtime
        self._job_id = job_id
        self._returned: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self._unstored: list[Reply] = []
        self._in_flight = 0
        self._sent: set[tuple[str, int]] = set()
        self._claim_in_doubt = False
        self._unhealthy = 0
        self._refused = 0
        self._state: JobState | None = JobState.RUNNING
        self._next_plan_s = 0.0
        self._next_read_s = 0.0
        self._starved = True
        self._idle_since_s: float | None = None
        self._away_since_s: float | None = None

    def run(self) -> None:
        """Work until the job needs nothing from us, the slice is over, or the process stops."""
        try:
            context = self._begin()
        except NotFound:
            return
        except InvalidInput as error:
            self._fail(error.detail)
            return
        deadline_s = self._runtime.monotonic_s() + self._runtime.settings.slice_s
        while True:
            over = self._runtime.monotonic_s() > deadline_s or self._engine.stopping.is_set()
            try:
                if not self._turn(context, claiming=not over):
                    break
                self._away_since_s = None
            except _AWAY as error:
                _log.warning("slice_waits", job=str(self._job_id), detail=error.detail)
                if self._gives_up():
                    raise
                time.sleep(_RETRY_S)
            except Exception:
                self._bring_home()
                raise
        if self._state in {JobState.RUNNING, JobState.CANCELLING} and over:
            self._runtime.wake.generate(self._job_id)

    def _fail(self, detail: str) -> None:
        """Nobody can go on with this job: its options are not those of this version."""
        reason = JobReason.OPTIONS_NOT_UNDERSTOOD
        with self._runtime.database.transaction() as connection:
            for target in (JobState.FAILED, JobState.CANCELLED):
                if jobs.move(connection, self._job_id, target, reason=reason, detail=detail):
                    return

    def _bring_home(self) -> None:
        """Wait for the calls under way and store their replies, before the slice fails."""
        while self._in_flight or self._unstored:
            self._gather(_TICK_S if self._in_flight else 0.0)
            try:
                self._store()
            except _AWAY:
                if self._gives_up():
                    return
                time.sleep(_RETRY_S)

    def _gives_up(self) -> bool:
        """Paid replies are held for minutes while Postgres is away, for seconds at the end."""
        now_s = self._runtime.monotonic_s()
        if self._away_since_s is None:
            self._away_since_s = now_s
        longest_s = _HOLD_STOPPING_S if self._engine.stopping.is_set() else _HOLD_S
        return now_s - self._away_since_s > longest_s

    def _begin(self) -> JobContext:
        while True:
            try:
                context = load(self._runtime, self._engine.seeds, self._job_id)
                # No slice before this one lives: what it left under way nobody waits for.
                charge_forgotten(self._runtime, self._engine.worker_id, self._job_id)
                revive(self._runtime, context)
                return context
            except _AWAY:
                if self._engine.stopping.wait(_RETRY_S):
                    raise

    def _turn(self, context: JobContext, *, claiming: bool) -> bool:
        """One round of store, read, plan, claim; False when there is nothing left to do here."""
        self._gather(_TICK_S if self._in_flight else 0.0)
        stored = self._store()
        if self._claim_in_doubt:
            take_back(self._runtime, self._engine.worker_id, self._job_id, self._sent)
            self._claim_in_doubt = False
        read = self._read(context) if stored else self._now_and_then(context)
        claimed = self._claim() if claiming else 0
        if self._plan(context, news=bool(read)) and claiming:
            claimed += self._claim()
        if self._in_flight or self._unstored or read or claimed:
            self._idle_since_s = None
            return True
        return claiming and self._lingers()

    def _gather(self, wait_s: float) -> None:
        """Collect replies: wait for the first, then a moment for those that come with it."""
        with suppress(queue.Empty):
            if wait_s:
                self._keep(self._returned.get(timeout=wait_s))
            while True:
                self._keep(self._returned.get_nowait())

    def _keep(self, reply: Reply) -> None:
        self._in_flight -= 1
        self._unstored.append(reply)
        ending = Ending(reply.outcome)
        healthy = ending not in UNHEALTHY
        self._unhealthy = 0 if healthy else self._unhealthy + 1
        self._refused = self._refused + 1 if ending is Ending.REFUSED else 0

    def _read(self, context: JobContext) -> int:
        self._next_read_s = self._runtime.monotonic_s() + _READ_EVERY_S
        return read_received(self._runtime, context, self._engine.row_indexes)

    def _now_and_then(self, context: JobContext) -> int:
        """Replies that another worker stored and did not live to read are read here."""
        if self._in_flight and self._runtime.monotonic_s() < self._next_read_s:
            return 0
        return self._read(context)

    def _store(self) -> bool:
        if not self._unstored:
            return False
        last = self._unstored[-1]
        self._store_all()
        if self._unhealthy >= UNHEALTHY_IN_A_ROW:
            self._pause(JobReason.TEACHER_UNHEALTHY, last)
        elif self._refused >= REFUSED_IN_A_ROW:
            self._pause(JobReason.TEACHER_REFUSED, last)
        return True

    def _store_all(self) -> None:
        """Store the replies; one that cannot be stored must not take its neighbours with it."""
        try:
            store_replies(self._runtime, self._job_id, self._unstored)
            self._stored(len(self._unstored))
        except _AWAY:
            raise
        except Exception:  # noqa: BLE001 - whatever is wrong with one reply, the others are paid for
            _log.exception("replies_not_stored", job=str(self._job_id))
            while self._unstored:
                self._store_alone(self._unstored[0])
                self._stored(1)

    def _store_alone(self, reply: Reply) -> None:
        try:
            store_replies(self._runtime, self._job_id, [reply])
        except _AWAY:
            raise
        except Exception:  # noqa: BLE001 - its call is charged when the next slice begins
            _log.exception("reply_not_stored", slot=reply.call.key)

    def _stored(self, count: int) -> None:
        self._sent -= {(each.call.key, each.call.attempt) for each in self._unstored[:count]}
        del self._unstored[:count]

    def _pause(self, reason: JobReason, last: Reply) -> None:
        self._unhealthy = self._refused = 0
        with self._runtime.database.transaction() as connection:
            jobs.move(connection, self._job_id, JobState.PAUSED, reason=reason, detail=last.error)

    def _plan(self, context: JobContext, *, news: bool) -> bool:
        """Plan when the teacher could take more than there is, else now and then."""
        now_s = self._runtime.monotonic_s()
        ending = self._state is JobState.CANCELLING and not self._in_flight
        if now_s < self._next_plan_s and not (self._starved and news) and not ending:
            return False
        self._next_plan_s = now_s + _PLAN_EVERY_S
        self._state = plan(self._runtime, context)
        return True

    def _claim(self) -> int:
        if self._unstored or self._state is not JobState.RUNNING:
            return 0
        self._claim_in_doubt = True
        claimed = claim(self._runtime, self._engine.worker_id, self._job_id, limit=500)
        self._claim_in_doubt = False
        self._starved = claimed.room > len(claimed.calls)
        for call in claimed.calls:
            self._engine.door.start(call, self._returned.put)
            self._in_flight += 1
            self._sent.add((call.key, call.attempt))
        return len(claimed.calls)

    def _lingers(self) -> bool:
        """Whether to stay a moment: slots that wait for their time, candidates for admission."""
        if self._state is not JobState.RUNNING:
            return False
        now_s = self._runtime.monotonic_s()
        if self._idle_since_s is None:
            self._idle_since_s = now_s
        with self._runtime.database.transaction() as connection:
            next_s = slots.seconds_to_next(connection, self._job_id)
        if next_s is not None and next_s > _LINGER_S:
            # Too long to hold a thread: the sweep rings again.
            return False
        self._engine.stopping.wait(min(_TICK_S, next_s) if next_s else _TICK_S)
        return now_s - self._idle_since_s < _LINGER_S
