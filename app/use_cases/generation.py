"""Drive jobs: one engine per worker process, one slice per job at a time in it.

Any number of processes may work on the same job.
"""

import threading
from uuid import UUID

from app.db import jobs
from app.llm.client import Door
from app.runtime import Runtime
from app.use_cases.heartbeat import Heartbeat
from app.use_cases.job_context import SeedCache
from app.use_cases.pool_indexes import PoolIndexes
from app.use_cases.slices import Bench, Slice


class Engine:
    """The jobs that one worker process is driving; `advance` may be called from many threads.

    `threads` is how many that are: while one is free, a slice need not make way for other jobs.
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
    ) -> None:
        self.runtime = runtime
        self.door = door
        self.stopping = threading.Event()
        self._threads = threads
        self._active: dict[UUID, Slice] = {}
        self._again: set[UUID] = set()
        self._lock = threading.Lock()
        # It beats until the calls are back: who stops beating loses them to another worker.
        self._closed = threading.Event()
        self._heart = Heartbeat(runtime, self._closed, kind=kind, host=host, process=process)
        self._bench = Bench(
            runtime=runtime,
            door=door,
            worker_id=self._heart.worker_id,
            seeds=SeedCache(),
            row_indexes=PoolIndexes(memory_bytes=runtime.settings.novelty_memory_mib << 20),
            stopping=self.stopping,
            others_wait=self._others_wait,
        )

    @property
    def worker_id(self) -> UUID:
        """Under which its calls are claimed."""
        return self._heart.worker_id

    def advance(self, job_id: UUID) -> None:
        """Drive a job for a slice; if this process drives it already, have that look again."""
        work = Slice(self._bench, job_id)
        with self._lock:
            if job_id in self._active:
                self._again.add(job_id)
                self._active[job_id].nudge()
                return
            self._active[job_id] = work
        try:
            while True:
                over = work.run()
                with self._lock:
                    again = job_id in self._again and not over
                    self._again.discard(job_id)
                    if not again or self.stopping.is_set():
                        del self._active[job_id]
                        return
                    work = self._active[job_id] = Slice(self._bench, job_id)
        except BaseException:
            with self._lock:
                self._active.pop(job_id, None)
            raise

    def _others_wait(self, job_id: UUID) -> bool:
        """Whether a job waits for a thread of this process while `job_id` has one."""
        with self._lock:
            active = set(self._active)
        if len(active) < self._threads:
            return False
        with self.runtime.database.transaction() as connection:
            return bool(set(jobs.live(connection)) - active)

    def stop(self) -> None:
        """Claim nothing more; slices end once their calls have come back."""
        self.stopping.set()

    def close(self) -> None:
        """Stop, end the calls, and leave the list of workers."""
        self.stop()
        self.door.close()
        self._closed.set()
        self._heart.leave()
