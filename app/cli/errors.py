"""What the command line makes of each kind of failure: a few lines on standard error, a status."""

from collections.abc import Iterator, Mapping

from rich.console import Console

from app.embedded.errors import EmbeddedError
from app.errors import (
    Conflict,
    CultivarError,
    DatabaseFull,
    Forbidden,
    InsufficientStorage,
    InvalidInput,
    InvalidUpload,
    LineProblem,
    NotFound,
    Problem,
    RateLimited,
    StoreFailure,
    TeacherFailure,
    Unauthenticated,
    Unavailable,
    UploadReport,
)

DONE = 0
FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130  # what shells report of a program that Ctrl-C ended

STATUS_BY_KIND: Mapping[type[Exception], int] = {
    InvalidInput: BAD_INPUT,
    NotFound: FAILED,
    Conflict: FAILED,
    Unauthenticated: FAILED,
    Forbidden: FAILED,
    RateLimited: FAILED,
    TeacherFailure: FAILED,
    StoreFailure: FAILED,
    InsufficientStorage: FAILED,
    DatabaseFull: FAILED,
    Unavailable: FAILED,
    CultivarError: FAILED,
    EmbeddedError: FAILED,
}


def status_of(error: Exception) -> int:
    """The exit status for a failure: that of the nearest kind."""
    return next(STATUS_BY_KIND[kind] for kind in type(error).__mro__ if kind in STATUS_BY_KIND)


def report(error: CultivarError | EmbeddedError, console: Console) -> int:
    """Say what went wrong and return the exit status."""
    for line in _lines(error):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return status_of(error)


def report_os_error(error: OSError, console: Console) -> int:
    """Say what the operating system refused: a full disk, a file without permission."""
    name = f"{error.filename}: " if error.filename else ""
    line = f"error: {name}{error.strerror or error}"
    console.print(line, markup=False, highlight=False, soft_wrap=True)
    return FAILED


def _lines(error: CultivarError | EmbeddedError) -> Iterator[str]:
    yield f"error: {error}"
    if isinstance(error, InvalidUpload):
        yield from line_problems(error.report)
    elif isinstance(error, InvalidInput):
        yield from map(_problem, error.problems)


def line_problems(report: UploadReport) -> Iterator[str]:
    """A line for each bad line of a file."""
    yield from map(line_problem, report.errors)
    hidden = report.error_count - len(report.errors)
    if hidden > 0:
        yield f"  and {hidden:,} more"


def line_problem(problem: LineProblem) -> str:
    """What is wrong with one line, where and why."""
    column = "" if problem.column is None else f", column {problem.column}"
    pointer = f" at {problem.pointer}" if problem.pointer else ""
    quoted = f": {problem.excerpt}" if problem.excerpt else ""
    return f"  line {problem.line}{column} [{problem.code}] {problem.detail}{pointer}{quoted}"


def _problem(problem: Problem) -> str:
    return f"  {problem.pointer.lstrip('/')}: {problem.detail}"
