"""Quiet in a worker process: while suspects run, no other call may be under way beside them.

A process that dies takes all its calls down; only where it held nothing but suspects is the blame
theirs. So a slice that has suspects asks for quiet: the others claim nothing more, and once what
they had under way has come back, it has the process to itself.
"""

import threading
from collections import Counter
from uuid import UUID


class Quiet:
    """Which job has how many calls under way in this process, and who wants to be alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: Counter[UUID] = Counter()
        self._alone: UUID | None = None

    def begin(self, job_id: UUID) -> bool:
        """Whether a job may claim now; if so it counts as having a call under way."""
        with self._lock:
            if self._alone not in {None, job_id}:
                return False
            self._under_way[job_id] += 1
            return True

    def settle(self, job_id: UUID, under_way: int) -> None:
        """Tell how many calls a job has under way after a turn."""
        with self._lock:
            self._under_way[job_id] = under_way

    def wants(self, job_id: UUID) -> bool:
        """Ask for quiet, or go on having it; True once no call at all is under way here."""
        with self._lock:
            if self._alone is None:
                self._alone = job_id
            return self._alone == job_id and not any(self._under_way.values())

    def is_quiet(self) -> bool:
        """Whether nothing is under way and nobody wants to be alone."""
        with self._lock:
            return self._alone is None and not any(self._under_way.values())

    def leave(self, job_id: UUID) -> None:
        """A slice ends, or needs no quiet any more once its calls are back."""
        with self._lock:
            if self._alone == job_id:
                self._alone = None
