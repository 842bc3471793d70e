"""What runs apart from all else in its process: calls and replies that workers were lost with."""

from uuid import UUID

from app.db import choosing
from app.runtime import Runtime
from app.use_cases.quiet import Quiet
from app.use_cases.straying import take_over

_LOOK_EVERY_S = 1.0
# A process that is busy is made to stop for suspects only if no idle one has taken them by then.
_PATIENCE_S = 15.0


class Apart:
    """A slice's turn to be alone: first stray replies, one by one, then calls that are suspect."""

    def __init__(self, runtime: Runtime, worker_id: UUID, quiet: Quiet, job_id: UUID) -> None:
        self._runtime = runtime
        self._worker_id = worker_id
        self._quiet = quiet
        self._job_id = job_id
        self._next_look_s = 0.0
        self._took = False
        self.wanted = False
        self.has_quiet = False

    def look(self, *, running: bool) -> bool:
        """Whether there is something to do apart and nothing else is under way here.

        A stray reply is then ours to be read; suspects may be claimed while the job is running.
        """
        self.has_quiet = False
        if not self.wanted and not self._begins(running):
            return False
        if not self._quiet.wants(self._job_id):
            return False
        if self._waiting_s(running) is None:
            self.leave()
            return False
        self.has_quiet = True
        self._took = take_over(self._runtime, self._worker_id, self._job_id) is not None
        return True

    def may_claim(self) -> bool:
        """Whether the job may claim in this turn, be it suspects or other calls."""
        took, self._took = self._took, False
        if took or (self.wanted and not self.has_quiet):
            return False
        return self._quiet.begin(self._job_id)

    def settle(self, under_way: int) -> None:
        """Tell how many calls are under way after a turn."""
        self.has_quiet = self.has_quiet and not under_way
        self._quiet.settle(self._job_id, under_way)

    def leave(self) -> None:
        """Let the others of this process go on."""
        self.wanted = self.has_quiet = False
        self._quiet.leave(self._job_id)

    def _begins(self, running: bool) -> bool:
        now_s = self._runtime.monotonic_s()
        if now_s < self._next_look_s:
            return False
        self._next_look_s = now_s + _LOOK_EVERY_S
        waited_s = self._waiting_s(running)
        if waited_s is not None:
            self.wanted = waited_s > _PATIENCE_S or self._quiet.is_quiet()
        return self.wanted

    def _waiting_s(self, running: bool) -> float | None:
        lease_s = self._runtime.settings.lease_s
        with self._runtime.database.transaction() as connection:
            return choosing.seconds_apart(
                connection, self._job_id, self._worker_id, lease_s=lease_s, suspects=running
            )
