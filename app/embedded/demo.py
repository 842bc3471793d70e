"""The demonstration, `python -m app.embedded.demo`: 200 rows from the sample seeds, exported."""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rich.console import Console

from app.domain.lifecycle import ExportState, JobState
from app.domain.stored import JobProgress
from app.embedded.entrance import dashboard_url, settings_of
from app.embedded.errors import EmbeddedError
from app.embedded.exporting import wait_for_export
from app.embedded.following import outcome
from app.embedded.migrate import ROOT
from app.embedded.one_run import (
    Wanted,
    begin,
    check_prices,
    see_through,
    teacher_of_environment,
)
from app.embedded.service import EmbeddedService
from app.embedded.signals import ending_like_interrupt
from app.errors import CultivarError, InvalidInput
from app.files.excerpt import visible
from app.runtime import Runtime, build_runtime
from app.settings import Settings
from app.use_cases import exports, teachers
from app.use_cases.first_steps import demo_teacher, ensure_teacher
from app.use_cases.seed_sets import SeedSetDetails
from app.use_cases.teachers import TeacherDetails

SEEDS = ROOT / "seeds" / "general_en.jsonl"
ROWS = 200
FORMAT = "alpaca_jsonl"
BUDGET_MICRO_USD = 1_000_000
# Slow enough to be seen, so quick that nobody waits.
TEACHER_ARGUMENTS = ("--latency-s", "0.3", "--latency-tail", "lognormal")
FIRST_ROWS = 3
INTERRUPTED = 130
_MICRO = 1_000_000
_WIDTH = 300


@dataclass(frozen=True)
class Asked:
    """What the command line asks for; `real` is the teacher of the environment, if it has a key."""

    home: Path
    port: int | None
    rows: int
    keep: bool
    real: TeacherDetails | None


def main(arguments: list[str] | None = None) -> int:
    """Run the demonstration; the exit status is 0, 1 when it failed, 2 on wrong usage."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    try:
        asked = _asked(arguments, Settings())
        with ending_like_interrupt():
            return _run(asked, console)
    except KeyboardInterrupt:
        console.print("stopped; nothing is left running")
        return INTERRUPTED
    except (CultivarError, EmbeddedError) as error:
        return _report(error)


def _asked(arguments: list[str] | None, settings: Settings) -> Asked:
    parser = argparse.ArgumentParser(prog="run.py demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the service running")
    parser.add_argument("--rows", type=_positive, default=ROWS, help="accepted rows to make")
    parser.add_argument("--home", type=Path, default=settings.home / "demo", help="where data goes")
    parser.add_argument(
        "--port", type=int, default=None, help="of API and dashboard; else a free one"
    )
    given = parser.parse_args(arguments)
    real = teacher_of_environment(settings) if settings.openai_api_key else None
    if real is not None:
        check_prices(real)
    return Asked(given.home, given.port, given.rows, given.keep, real)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _run(asked: Asked, console: Console) -> int:
    started = time.monotonic()
    if asked.real is None:
        console.print("no OPENAI_API_KEY: the demo teacher writes the rows, which are simulated")
    else:
        console.print(f"OPENAI_API_KEY is set: {asked.real.name} writes the rows, for $1 at most")
    teacher = None if asked.real else TEACHER_ARGUMENTS
    with EmbeddedService(
        asked.home, port=asked.port, demo_teacher=teacher, report=console.print
    ) as service:
        console.print(f"dashboard  {dashboard_url(service)}")
        runtime = build_runtime(settings_of(service))
        try:
            status = _grow(asked, runtime, service, console)
        finally:
            runtime.close()
        console.print(
            f"time       {time.monotonic() - started:.0f} s, start of the service included"
        )
        if asked.keep:
            console.print(f"dashboard  {dashboard_url(service)}")
            console.print("the service goes on; Ctrl-C stops it and keeps the data")
            _wait(service)
        else:
            console.print(f"look again with: run.py serve --home {service.home}")
    return status


def _wait(service: EmbeddedService) -> None:
    try:
        service.wait()
    except KeyboardInterrupt:
        return  # that is how it is meant to end


def _grow(asked: Asked, runtime: Runtime, service: EmbeddedService, console: Console) -> int:
    teacher = ensure_teacher(runtime, asked.real or demo_teacher(service.demo_teacher_url or ""))
    teachers.check(runtime, teacher.id)
    details = SeedSetDetails(
        name="general tasks", language="en", licence="CC0-1.0", source="written for this project"
    )
    wanted = Wanted(
        seeds=SEEDS,
        seed_set=details,
        rows=asked.rows,
        name="demonstration",
        cap_micro_usd=BUDGET_MICRO_USD if asked.real else None,
        random_seed=time.time_ns() % (1 << 31),
    )
    job = begin(runtime, wanted, teacher.id)
    progress = see_through(runtime, job.id, console, check=service.check)
    console.print(outcome(progress))
    if progress.accepted_rows:
        _export(runtime, progress, service, console)
    return 0 if progress.job.state is JobState.SUCCEEDED else 1


def _export(
    runtime: Runtime, progress: JobProgress, service: EmbeddedService, console: Console
) -> None:
    job = progress.job
    record = exports.request(runtime, job.id, FORMAT)
    record = wait_for_export(runtime, record.id, check=service.check)
    if record.state is ExportState.FAILED:
        raise InvalidInput(f"The export failed: {record.error}")
    _, path = exports.file(runtime, record.id)
    console.print()
    for line in _first_lines(path):
        console.print(line)
    per_row = job.spent_micro_usd / _MICRO / max(1, progress.accepted_rows)
    note = " (made-up prices)" if job.simulated else ""
    console.print()
    console.print(f"file       {path}")
    console.print(f"rows       {record.row_count:,}{' (simulated)' if job.simulated else ''}")
    console.print(
        f"cost       ${job.spent_micro_usd / _MICRO:.4f} for {job.calls:,} calls, "
        f"${per_row:.6f} a row{note}"
    )


def _first_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for line in islice(file, FIRST_ROWS):
            shown = visible(line.rstrip("\n"))
            yield shown if len(shown) <= _WIDTH else shown[: _WIDTH - 1] + "…"


def _report(error: CultivarError | EmbeddedError) -> int:
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    console.print(f"error: {error}")
    for problem in error.problems if isinstance(error, InvalidInput) else ():
        console.print(f"  {problem.pointer.lstrip('/')}: {problem.detail}")
    return 2 if isinstance(error, InvalidInput) else 1


if __name__ == "__main__":
    sys.exit(main())
