"""Looks into Postgres for work that no message told of: messages may be late, or never come."""

import threading
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog

from app.errors import Unavailable

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Lookout:
    """Does what waits at two looks in a row: a message would have been quicker, had it come.

    Whatever is done already, or is being done elsewhere, `work` must find to be so.
    """

    name: str
    waiting: Callable[[], Set[UUID]]
    work: Callable[[UUID], object]
    every_s: float
    stopping: threading.Event

    def start(self) -> threading.Thread:
        """Look from a thread of its own until the process stops; what it is at then, it ends."""
        thread = threading.Thread(target=self._run, name=f"lookout-{self.name}", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        seen: Set[UUID] = frozenset()
        while not self.stopping.wait(self.every_s):
            with self._forgiving():
                waits = self.waiting()
                due, seen = waits & seen, waits
                for each in sorted(due):
                    if not self.stopping.is_set():
                        self._do(each)

    def _do(self, row_id: UUID) -> None:
        with self._forgiving():
            self.work(row_id)

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except Unavailable as error:
            _log.warning("lookout_waits", name=self.name, detail=error.detail)
        except Exception:  # noqa: BLE001 - the next look, or the next row, may succeed
            _log.exception("lookout_failed", name=self.name)
