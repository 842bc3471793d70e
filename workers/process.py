"""What one worker process holds: its runtime, and what its queues need, made when first needed."""

import os
import threading
import time
from collections.abc import Callable, Collection
from functools import cached_property, partial
from uuid import UUID

import structlog

from app.errors import InvalidInput, Unavailable
from app.runtime import Runtime, build_door, build_runtime
from app.settings import Settings
from app.use_cases.admission import admit
from app.use_cases.comparison_runner import make as compare
from app.use_cases.embedding import Embedder
from app.use_cases.exports import make
from app.use_cases.generation import Engine
from app.use_cases.health import strange_revision
from app.use_cases.heartbeat import this_host
from app.use_cases.left_undone import comparisons_due, exports_due, jobs_due, pools_due, runs_due
from app.use_cases.pool_indexes import PoolIndexes
from app.use_cases.sampling import SAMPLE_S, sample
from app.use_cases.sweep import sweep
from app.use_cases.training_runner import train
from app.wakeups import ADMIT, COMPARE, EXPORT, GENERATE, TRAIN
from workers.lookout import Lookout

CONFIGURATION = 78  # EX_CONFIG: it will not help to start it again
_LAST_WORDS_S = 5.0
_log = structlog.get_logger(__name__)


class Process:
    """One per worker process."""

    def __init__(self) -> None:
        self.threads = 1
        self._lock = threading.RLock()
        self._training = threading.Lock()
        self._stopping = threading.Event()
        self._lookouts: list[threading.Thread] = []

    @cached_property
    def runtime(self) -> Runtime:
        """The runtime from the environment."""
        return build_runtime(Settings())

    @cached_property
    def indexes(self) -> PoolIndexes:
        """The indexes of the pools admitted to here."""
        return PoolIndexes(memory_bytes=self.runtime.settings.novelty_memory_mib << 20)

    @cached_property
    def _embedder(self) -> Embedder:
        return Embedder(
            self.runtime,
            lambda: build_door(self.runtime.settings),
            host=this_host(),
            process=os.getpid(),
            broken=self._start_anew,
        )

    @property
    def embedder(self) -> Embedder:
        """What buys embeddings here; it opens its door with the first."""
        with self._lock:
            return self._embedder

    @cached_property
    def _engine(self) -> Engine:
        return Engine(
            self.runtime,
            build_door(self.runtime.settings),
            kind="generate",
            host=this_host(),
            process=os.getpid(),
            threads=self.threads,
            broken=self._start_anew,
        )

    @property
    def engine(self) -> Engine:
        """The engine that drives jobs here."""
        with self._lock:
            return self._engine

    def refuse_strange_schema(self) -> None:
        """End the process where a later program has migrated the database: it would spoil it."""
        revision = strange_revision(self.runtime)
        if revision is not None:
            _log.error("schema_unknown", revision=revision)
            raise SystemExit(CONFIGURATION)

    def require_master_key(self, queues: Collection[str]) -> None:
        """End the process where it has to open teachers' keys and has nothing to open them with.

        Others have no use for the master key, and need not be given it.
        """
        if {GENERATE, ADMIT} & set(queues):
            try:
                self.runtime.vault.newest()
            except (InvalidInput, OSError) as error:
                _log.error("master_key_unusable", detail=str(error))
                raise SystemExit(CONFIGURATION) from None

    def start_sweeping(self) -> None:
        """Sweep, and sample how jobs go, from threads of their own until the process ends."""
        chores = {
            # At once: whoever was here before may have left calls behind.
            "sweep": (sweep, 0.0, self.runtime.settings.sweep_s),
            "sample": (sample, SAMPLE_S, SAMPLE_S),
        }
        for name, chore in chores.items():
            arguments = (name, *chore)
            threading.Thread(target=self._again, args=arguments, name=name, daemon=True).start()

    def start_looking(self, queues: Collection[str]) -> None:
        """Look out, in threads of their own, for work of these queues that no message told of."""
        runtime = self.runtime
        chores = {
            GENERATE: (jobs_due, lambda job_id: self.engine.advance(job_id)),
            ADMIT: (
                pools_due,
                lambda pool_id: admit(runtime, self.indexes, pool_id, self.embedder),
            ),
            EXPORT: (exports_due, lambda export_id: make(runtime, export_id)),
            TRAIN: (runs_due, self.train),
            COMPARE: (comparisons_due, self.compare),
        }
        if GENERATE in queues:
            queues = {*queues, COMPARE}
        for name in chores.keys() & set(queues):
            waiting, work = chores[name]
            every_s = runtime.settings.sweep_s
            lookout = Lookout(name, partial(waiting, runtime), work, every_s, self._stopping)
            self._lookouts.append(lookout.start())

    def train(self, run_id: UUID) -> None:
        """Train a run; one at a time in a process, which has one GPU."""
        with self._training:
            train(self.runtime, run_id, self._stopping)

    def compare(self, comparison_id: UUID) -> None:
        """Let a judge compare answers."""
        compare(self.runtime, comparison_id, self._stopping)

    def _again(
        self, name: str, work: Callable[[Runtime], object], first_s: float, every_s: float
    ) -> None:
        wait_s = first_s
        while not self._stopping.wait(wait_s):
            wait_s = every_s
            try:
                work(self.runtime)
            except Unavailable as error:
                _log.warning(f"{name}_waits", detail=error.detail)
            except Exception:  # noqa: BLE001 - the next one may succeed
                _log.exception(f"{name}_failed")

    def _start_anew(self) -> None:
        """End at once: whoever started this process starts another, the sweep does the rest.

        Replies that came back are given a moment to be stored. Nothing else would end it: its
        slices wait for calls that nobody makes any more.
        """
        self.stop()
        time.sleep(_LAST_WORDS_S)
        os._exit(1)

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopping.set()
        if "_engine" in self.__dict__:
            self._engine.stop()
        if "_embedder" in self.__dict__:
            self._embedder.stopping.set()

    def close(self) -> None:
        """Give back what is held, once what lookouts are at has ended: Celery waits for its own."""
        self.stop()
        for lookout in self._lookouts:
            lookout.join()
        if "_engine" in self.__dict__:
            self._engine.close()
        if "_embedder" in self.__dict__:
            self._embedder.close()
        if "runtime" in self.__dict__:
            self.runtime.close()
