"""A worker's sign of life: its row in Postgres, told again and again from a thread of its own."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from app.db import workers
from app.db.ids import new_id
from app.errors import Unavailable
from app.llm.client import Door
from app.runtime import Runtime

GATES_EVERY_S = 2.0
_log = structlog.get_logger(__name__)


def this_host() -> str:
    """The machine on which a process number means something: its name, and on Linux the namespace
    of process numbers, which containers may share a name but never share."""
    try:
        return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


class Heartbeat:
    """Registers this process as a worker and beats until `stopping` is set.

    While a door to teachers holds calls, each beat tells how it stands, every two seconds. A worker
    whose door broke is as good as dead: it beats no more, so that its calls are made by others, and
    `broken` is called. Raises Unavailable when Postgres is away at the start.
    """

    def __init__(
        self,
        runtime: Runtime,
        stopping: threading.Event,
        *,
        kind: str,
        host: str,
        process: int,
        door: Callable[[], Door | None] = lambda: None,
        broken: Callable[[], None] = lambda: None,
    ) -> None:
        self.worker_id = new_id()
        self._runtime = runtime
        self._stopping = stopping
        self._identity = (kind, host, process)
        self._door = door
        self._broken = broken
        self._told_gates = False
        self._register()
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def leave(self) -> None:
        """Leave the list of workers."""
        with suppress(Unavailable), self._runtime.database.transaction() as connection:
            workers.leave(connection, self.worker_id)

    def _register(self) -> None:
        kind, host, process = self._identity
        with self._runtime.database.transaction() as connection:
            workers.register(connection, self.worker_id, kind=kind, host=host, process=process)

    def _run(self) -> None:
        every_s = self._runtime.settings.heartbeat_s
        due_s = self._runtime.monotonic_s() + every_s
        while not self._stopping.wait(min(GATES_EVERY_S, every_s)):
            door = self._door()
            if door is not None and door.is_broken:
                _log.error("teacher_door_broken", worker=str(self.worker_id))
                self._broken()
                return
            calls = door is not None and door.in_flight() > 0
            if calls or self._told_gates or self._runtime.monotonic_s() >= due_s:
                due_s = self._runtime.monotonic_s() + every_s
                self._told_gates = calls
                self._beat(door)

    def _beat(self, door: Door | None) -> None:
        try:
            gates = door.gates() if door is not None else ()
            with self._runtime.database.transaction() as connection:
                known = workers.beat(connection, self.worker_id, gates)
            if not known:
                self._register()
        except Unavailable:
            _log.warning("heartbeat_not_written", worker=str(self.worker_id))
        except Exception:  # noqa: BLE001 - who lives and does not say so has his calls made twice
            _log.exception("heartbeat_failed", worker=str(self.worker_id))
