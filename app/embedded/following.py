"""Follows a job in a terminal until it settles: a live bar, or a line now and then into a pipe."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from app.domain.lifecycle import FINAL_JOB_STATES, JobState
from app.domain.stored import JobProgress
from app.runtime import Runtime
from app.use_cases import jobs

POLL_S = 0.5
LINE_EVERY_S = 10.0
WIDE_COLUMNS = 120
_MICRO = 1_000_000


def _pass() -> None:
    """Find nothing wrong."""


def follow(
    runtime: Runtime, job_id: UUID, console: Console, *, check: Callable[[], None] = _pass
) -> JobProgress:
    """Show a job until it is finished or paused, and return how it stands then.

    `check` is called with every look and may raise when what the job needs has gone. Raises
    NotFound.
    """
    if not console.is_terminal:
        return _until_settled(runtime, job_id, _Lines(console, runtime.monotonic_s).show, check)
    wide = console.width >= WIDE_COLUMNS
    with Progress(*bar_columns(wide), console=console) as bar:
        show = _Bar(bar, runtime.monotonic_s, with_rate=wide).show
        return _until_settled(runtime, job_id, show, check)


def bar_columns(wide: bool) -> tuple[ProgressColumn, ...]:
    """The parts of the bar; in a window of 80 columns every number stays whole."""
    ends = (TimeElapsedColumn(), TimeRemainingColumn()) if wide else (TimeElapsedColumn(),)
    return (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=40 if wide else 8),
        MofNCompleteColumn(),
        TextColumn("{task.fields[facts]}", markup=False),
        *ends,
    )


def outcome(progress: JobProgress) -> str:
    """How a job ended, in one sentence."""
    job = progress.job
    why = "" if job.reason is None else f" ({job.reason.replace('_', ' ')})"
    rows = min(progress.accepted_rows, job.target_rows)
    detail = f": {job.detail}" if job.detail else ""
    return f"job {job.id} {job.state}{why}, {rows:,} of {job.target_rows:,} rows{detail}"


def facts(progress: JobProgress, rows_per_minute: float | None = None) -> str:
    """Calls, drops, money and speed of a job in a few words."""
    job = progress.job
    parts = [
        f"{job.calls:,} calls",
        f"{sum(progress.drops.values()):,} dropped",
        f"${job.spent_micro_usd / _MICRO:,.4f}",
    ]
    if rows_per_minute is not None:
        parts.append(f"{rows_per_minute:,.0f} rows/min")
    return ", ".join(parts)


def is_settled(progress: JobProgress) -> bool:
    """Whether nothing more will happen by itself."""
    return progress.job.state in FINAL_JOB_STATES or progress.job.state is JobState.PAUSED


def _until_settled(
    runtime: Runtime,
    job_id: UUID,
    show: Callable[[JobProgress], None],
    check: Callable[[], None],
) -> JobProgress:
    while True:
        progress = jobs.progress(runtime, job_id)
        show(progress)
        if is_settled(progress):
            return progress
        check()
        time.sleep(POLL_S)


@dataclass
class _Rate:
    """Rows a minute since the first look."""

    monotonic_s: Callable[[], float]
    first: tuple[float, int] | None = None

    def of(self, rows: int) -> float | None:
        now_s = self.monotonic_s()
        if self.first is None:
            self.first = (now_s, rows)
        since_s, before = self.first
        if rows == before:
            return None
        return 60 * (rows - before) / max(now_s - since_s, POLL_S)


@dataclass
class _Bar:
    bar: Progress
    monotonic_s: Callable[[], float]
    with_rate: bool = True
    task: TaskID | None = None
    rate: _Rate = field(init=False)

    def __post_init__(self) -> None:
        self.rate = _Rate(self.monotonic_s)

    def show(self, progress: JobProgress) -> None:
        job, rows = progress.job, progress.accepted_rows
        if self.task is None:
            self.task = self.bar.add_task(job.state, total=job.target_rows, facts="")
        self.bar.update(
            self.task,
            description=job.state,
            total=job.target_rows,
            completed=min(rows, job.target_rows),
            facts=facts(progress, self.rate.of(rows) if self.with_rate else None),
        )


@dataclass
class _Lines:
    console: Console
    monotonic_s: Callable[[], float]
    last_s: float | None = None
    last_state: str = ""
    rate: _Rate = field(init=False)

    def __post_init__(self) -> None:
        self.rate = _Rate(self.monotonic_s)

    def show(self, progress: JobProgress) -> None:
        job, now_s = progress.job, self.monotonic_s()
        speed = self.rate.of(progress.accepted_rows)
        due = self.last_s is None or now_s - self.last_s >= LINE_EVERY_S
        if not due and job.state == self.last_state:
            return
        self.last_s, self.last_state = now_s, job.state
        rows = min(progress.accepted_rows, job.target_rows)
        line = f"{job.state}: {rows:,} of {job.target_rows:,} rows, {facts(progress, speed)}"
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)
