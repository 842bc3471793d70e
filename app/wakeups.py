"""Celery messages: each says only «look at this row», is sent after commit, and may get lost.

Nothing depends on a message: the sweep wakes what was forgotten. So sending never waits for
Redis: a thread sends, and what it cannot send it drops.
"""

import contextlib
import heapq
import queue
import threading
import time
from typing import Protocol
from uuid import UUID

import structlog
from celery import Celery
from kombu.entity import Queue
from kombu.exceptions import OperationalError

GENERATE, ADMIT, EXPORT, SWEEP, TRAIN = "generate", "admit", "export", "sweep", "train"
QUEUES = (GENERATE, ADMIT, EXPORT, SWEEP, TRAIN)
# Made by those that call the teachers.
COMPARE = "compare"
_QUEUE_OF = {COMPARE: GENERATE}
_EXPIRES_S = 60
_APART_S = 0.1
_log = structlog.get_logger(__name__)


class Wake(Protocol):
    """What a use case may say to the workers."""

    def generate(self, job_id: UUID) -> None:
        """Look at this job: there may be calls to make."""
        ...

    def admit(self, pool_id: UUID) -> None:
        """Look at this pool: candidates may wait."""
        ...

    def export(self, export_id: UUID) -> None:
        """Look at this export: it should be made."""
        ...

    def train(self, run_id: UUID) -> None:
        """Look at this training run: it should go on."""
        ...

    def compare(self, comparison_id: UUID) -> None:
        """Look at this comparison: its judge should be asked."""
        ...


def make_celery(redis_url: str) -> Celery:
    """The Celery application, as reliability demands: no results, no acks late, JSON only."""
    celery_app = Celery("cultivar", broker=redis_url)
    celery_app.conf.update(
        task_ignore_result=True,
        result_backend=None,
        task_serializer="json",
        accept_content=["json"],
        task_acks_late=False,
        task_reject_on_worker_lost=False,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,
        broker_transport_options={
            "visibility_timeout": 3600,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "health_check_interval": 25,
            "socket_keepalive": True,
            "socket_connect_timeout": 5,
            "socket_timeout": 30,
            "retry_on_timeout": True,
            "max_connections": 20,
            "global_keyprefix": "cultivar:",
            "client_name": "cultivar",
        },
        task_publish_retry=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        task_create_missing_queues=False,
        task_default_queue=GENERATE,
        task_queues=[Queue(name) for name in QUEUES],
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return celery_app


class CeleryWake:
    """Sends wakes from a thread of its own; the same wake is not queued twice.

    The same wake is sent ten times a second at most: what is rung for in between is rung for once,
    a moment later.
    """

    def __init__(self, redis_url: str) -> None:
        self._celery = make_celery(redis_url)
        self._waiting: queue.Queue[tuple[str, str] | None] = queue.Queue(maxsize=10_000)
        self._pending: set[tuple[str, str]] = set()
        self._sent_s: dict[tuple[str, str], float] = {}
        self._held: list[tuple[float, tuple[str, str]]] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="wakeups", daemon=True)
        self._thread.start()

    def generate(self, job_id: UUID) -> None:
        self._put(GENERATE, job_id)

    def admit(self, pool_id: UUID) -> None:
        self._put(ADMIT, pool_id)

    def export(self, export_id: UUID) -> None:
        self._put(EXPORT, export_id)

    def train(self, run_id: UUID) -> None:
        self._put(TRAIN, run_id)

    def compare(self, comparison_id: UUID) -> None:
        self._put(COMPARE, comparison_id)

    def close(self, *, timeout_s: float = 2.0) -> None:
        """Send what waits, but no longer than `timeout_s`."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(timeout_s)

    def _put(self, name: str, row_id: UUID) -> None:
        message = (name, str(row_id))
        with self._lock:
            if message in self._pending:
                return
            self._pending.add(message)
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            self._forget(message)

    def _forget(self, message: tuple[str, str]) -> None:
        with self._lock:
            self._pending.discard(message)

    def _run(self) -> None:
        while True:
            while self._held and self._held[0][0] <= time.monotonic():
                self._let_go(heapq.heappop(self._held)[1])
            try:
                message = self._waiting.get(timeout=self._until_due_s())
            except queue.Empty:
                continue
            if message is None:
                break
            due_s = self._sent_s.get(message, 0.0) + _APART_S
            heapq.heappush(self._held, (due_s, message))
        for _, message in self._held:
            self._let_go(message)

    def _until_due_s(self) -> float | None:
        if not self._held:
            return None
        return max(0.0, self._held[0][0] - time.monotonic())

    def _let_go(self, message: tuple[str, str]) -> None:
        # Forgotten before it is sent: what happens from here on deserves a wake of its own.
        self._forget(message)
        now_s = time.monotonic()
        self._sent_s = {each: at for each, at in self._sent_s.items() if at + _APART_S > now_s}
        self._sent_s[message] = now_s
        self._send(*message)

    def _send(self, name: str, row_id: str) -> None:
        try:
            self._celery.send_task(
                f"cultivar.{name}",
                args=[row_id],
                queue=_QUEUE_OF.get(name, name),
                expires=_EXPIRES_S,
                ignore_result=True,
                retry=False,
            )
        except (OperationalError, OSError) as error:
            _log.warning("wake_not_sent", task=name, id=row_id, error=type(error).__name__)


class SilentWake:
    """Says nothing, for processes without a broker: the sweep finds the work."""

    def generate(self, job_id: UUID) -> None:
        """Nothing."""

    def admit(self, pool_id: UUID) -> None:
        """Nothing."""

    def export(self, export_id: UUID) -> None:
        """Nothing."""

    def train(self, run_id: UUID) -> None:
        """Nothing."""

    def compare(self, comparison_id: UUID) -> None:
        """Nothing."""
