"""Drive jobs: one engine per worker process, one slice per job at a time in it.

Any number of processes may work on the same job.
"""

import logging
import threading
from collections.abc import Callable
from uuid import UUID

from structlog.contextvars import bound_contextvars

from app import traces
from app.db import jobs
from app.llm.client import Door
from app.runtime import Runtime
from app.use_cases.batching import BatchSlice, is_batched
from app.use_cases.heartbeat import Heartbeat
from app.use_cases.job_context import SeedCache
from app.use_cases.pool_indexes import PoolIndexes
from app.use_cases.quiet import Quiet
from app.use_cases.slices import Bench, Slice

_CALLS_S, _STORE_S = 25.0, 5.0
_log = logging.getLogger(__name__)


class Engine:
    """The jobs that one worker process is driving; `advance` may be called from many threads.

    `threads` is how many that are: while one is free, a slice need not make way for other jobs.
    `broken` is called when no call can be made any more: the process is to be started anew.
    """

    def __init__(
        self,
        runtime: Runtime,
        door: Door,
        *,
        kind: str,
        host: str,
        process: int,
        threads: int = 1,
        broken: Callable[[], None] = lambda: None,
    ) -> None:
        self.runtime = runtime
        self.door = door
        self.stopping = threading.Event()
        self._threads = threads
        self._active: dict[UUID, Slice | BatchSlice] = {}
        self._again: set[UUID] = set()
        self._lock = threading.Condition()
        # It beats until the calls are back: who stops beating loses them to another worker.
        self._closed = threading.Event()
        self._broken = broken
        self._heart = Heartbeat(
            runtime,
            self._closed,
            kind=kind,
            host=host,
            process=process,
            door=lambda: self.door,
            broken=self._break_off,
        )
        self._bench = Bench(
            runtime=runtime,
            door=door,
            worker_id=self._heart.worker_id,
            seeds=SeedCache(),
            row_indexes=PoolIndexes(memory_bytes=runtime.settings.novelty_memory_mib << 20),
            stopping=self.stopping,
            others_wait=self._others_wait,
            quiet=Quiet(),
        )

    @property
    def worker_id(self) -> UUID:
        """Under which its calls are claimed."""
        return self._heart.worker_id

    def advance(self, job_id: UUID) -> None:
        """Drive a job for a slice; if this process drives it already, have that look again."""
        kind = BatchSlice if is_batched(self.runtime, job_id) else Slice
        work = kind(self._bench, job_id)
        with self._lock:
            if job_id in self._active:
                self._again.add(job_id)
                self._active[job_id].nudge()
                return
            self._active[job_id] = work
        try:
            while True:
                over = self._traced(work, job_id)
                with self._lock:
                    again = job_id in self._again and not over
                    self._again.discard(job_id)
                    if not again or self.stopping.is_set():
                        self._drop(job_id)
                        return
                    work = self._active[job_id] = kind(self._bench, job_id)
        except BaseException:
            with self._lock:
                self._drop(job_id)
            raise

    def _drop(self, job_id: UUID) -> None:
        self._active.pop(job_id, None)
        self._lock.notify_all()

    def _traced(self, work: Slice | BatchSlice, job_id: UUID) -> bool:
        """Run a slice; whatever is logged and traced in it carries the ids of job and worker."""
        ids = {"job": str(job_id), "worker": str(self.worker_id)}
        with bound_contextvars(**ids), traces.span("slice", **ids) as span:
            _log.debug("slice_begun")
            over = work.run()
            span.set(over=over)
            _log.debug("slice_ended", extra={"over": over})
        return over

    def _others_wait(self, job_id: UUID) -> bool:
        """Whether a job waits for a thread of this process while `job_id` has one."""
        with self._lock:
            active = set(self._active)
        if len(active) < self._threads:
            return False
        with self.runtime.database.transaction() as connection:
            return bool(set(jobs.live(connection)) - active)

    def _break_off(self) -> None:
        """The door's thread has ended: claim nothing that could not be sent."""
        self.stop()
        self._broken()

    def stop(self) -> None:
        """Claim nothing more; slices end once their calls have come back."""
        self.stopping.set()

    def close(self) -> None:
        """Stop, let calls come home and be stored, cut the others off, leave the list of workers.

        Whoever is not on the list has no calls: what is not stored by then is charged in full.
        """
        self.stop()
        self._wait_for_slices(_CALLS_S)
        self.door.close(drain_s=0.0)
        self._wait_for_slices(_STORE_S)
        self._closed.set()
        self._heart.leave()

    def _wait_for_slices(self, longest_s: float) -> None:
        with self._lock:
            self._lock.wait_for(lambda: not self._active, timeout=longest_s)
