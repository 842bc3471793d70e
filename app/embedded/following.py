"""Follows a job in a terminal until it settles: a live view, or a line now and then into a pipe."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from rich.console import Console
from rich.live import Live

from app.domain.lifecycle import FINAL_JOB_STATES, JobState
from app.domain.stored import JobProgress
from app.domain.watching import JobLook
from app.embedded.job_view import drawn, gate_text, money
from app.runtime import Runtime
from app.use_cases.watching import Watch

POLL_S = 0.5
LINE_EVERY_S = 10.0
RATE_OVER_S = 60.0


def _pass() -> None:
    """Find nothing wrong."""


def follow(
    runtime: Runtime, job_id: UUID, console: Console, *, check: Callable[[], None] = _pass
) -> JobProgress:
    """Show a job until it is finished or paused, and return how it stands then.

    `check` is called with every look and may raise when what the job needs has gone. Raises
    NotFound.
    """
    watch = Watch(runtime, job_id)
    first = watch.look()
    rate = Rate(runtime.monotonic_s)
    if not console.is_terminal or console.is_dumb_terminal:
        lines = _Lines(console, runtime.monotonic_s, rate)
        return _until_settled(watch, first, lines.show, check)
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:

        def show(look: JobLook) -> None:
            live.update(drawn(look, rate.of(look.progress.accepted_rows)), refresh=True)

        return _until_settled(watch, first, show, check)


def outcome(progress: JobProgress) -> str:
    """How a job ended, in one sentence."""
    job = progress.job
    why = "" if job.reason is None else f" ({job.reason.replace('_', ' ')})"
    rows = min(progress.accepted_rows, job.target_rows)
    detail = f": {job.detail}" if job.detail else ""
    return f"job {job.id} {job.state}{why}, {rows:,} of {job.target_rows:,} rows{detail}"


def line(look: JobLook, rows_per_minute: float | None) -> str:
    """A job in one line: rows, calls, drops, money, speed, and the gate where it is known."""
    progress, job = look.progress, look.progress.job
    rows = min(progress.accepted_rows, job.target_rows)
    parts = [
        f"{job.state}: {rows:,} of {job.target_rows:,} rows",
        f"{job.calls:,} calls",
        f"{look.slots.get('in_flight', 0):,} in flight",
        f"{sum(progress.drops.values()):,} dropped",
        money(job.spent_micro_usd),
    ]
    if rows_per_minute is not None:
        parts.append(f"{rows_per_minute:,.0f} rows/min")
    if look.gate is not None:
        parts.append(f"gate {gate_text(look.gate).plain}")
    return ", ".join(parts)


def is_settled(progress: JobProgress) -> bool:
    """Whether nothing more will happen by itself."""
    return progress.job.state in FINAL_JOB_STATES or progress.job.state is JobState.PAUSED


def _until_settled(
    watch: Watch, look: JobLook, show: Callable[[JobLook], None], check: Callable[[], None]
) -> JobProgress:
    while True:
        show(look)
        if is_settled(look.progress):
            return look.progress
        check()
        time.sleep(POLL_S)
        look = watch.look()


@dataclass
class Rate:
    """Rows a minute over the last minute of looks."""

    monotonic_s: Callable[[], float]
    looks: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])

    def of(self, rows: int) -> float | None:
        """The rate with one more look; None before the first row is seen to come."""
        now_s = self.monotonic_s()
        self.looks.append((now_s, rows))
        while len(self.looks) > 2 and now_s - self.looks[1][0] >= RATE_OVER_S:
            self.looks.popleft()
        since_s, before = self.looks[0]
        return None if rows <= before else 60 * (rows - before) / max(now_s - since_s, POLL_S)


@dataclass
class _Lines:
    console: Console
    monotonic_s: Callable[[], float]
    rate: Rate
    last_s: float | None = None
    last_state: str = ""

    def show(self, look: JobLook) -> None:
        state, now_s = look.progress.job.state, self.monotonic_s()
        speed = self.rate.of(look.progress.accepted_rows)
        due = self.last_s is None or now_s - self.last_s >= LINE_EVERY_S
        if not due and state == self.last_state:
            return
        self.last_s, self.last_state = now_s, state
        self.console.print(line(look, speed), markup=False, highlight=False, soft_wrap=True)
