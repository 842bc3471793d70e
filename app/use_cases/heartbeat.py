"""A worker's sign of life: its row in Postgres, told again and again from a thread of its own."""

import socket
import threading
from contextlib import suppress
from pathlib import Path

import structlog

from app.db import workers
from app.db.ids import new_id
from app.errors import Unavailable
from app.runtime import Runtime

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

    Raises Unavailable when Postgres is away at the start.
    """

    def __init__(
        self, runtime: Runtime, stopping: threading.Event, *, kind: str, host: str, process: int
    ) -> None:
        self.worker_id = new_id()
        self._runtime = runtime
        self._stopping = stopping
        self._identity = (kind, host, process)
        self._register()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def leave(self) -> None:
        """Leave the list of workers."""
        with suppress(Unavailable), self._runtime.database.transaction() as connection:
            workers.leave(connection, self.worker_id)

    def _register(self) -> None:
        kind, host, process = self._identity
        with self._runtime.database.transaction() as connection:
            workers.register(connection, self.worker_id, kind=kind, host=host, process=process)

    def _beat(self) -> None:
        while not self._stopping.wait(self._runtime.settings.heartbeat_s):
            try:
                with self._runtime.database.transaction() as connection:
                    known = workers.beat(connection, self.worker_id)
                if not known:
                    self._register()
            except Unavailable:
                _log.warning("heartbeat_not_written")
            except Exception:  # noqa: BLE001 - who lives and does not say so has his calls made twice
                _log.exception("heartbeat_failed")
