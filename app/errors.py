"""Every failure that a face may report, by kind.

CultivarError
├── InvalidInput        the content is wrong: mend it and send it again
│   ├── InvalidUpload   a file with bad lines: each named
│   ├── InvalidDocument a document that cannot be read: why, and at which line or page
│   ├── TooLarge        over a stated limit
│   ├── NotText         compressed or binary where text is wanted
│   ├── MalformedRequest   unreadable before its content could be judged
│   └── UnknownCursor   a page cursor that we did not give
├── NotFound            no such thing (or not yours)
├── Conflict            right content, wrong state
│   └── InUse           something running depends on it
├── Unauthenticated     no key, or none that is good
├── Forbidden           the key does not reach that far
├── RateLimited         too many requests, tries or jobs for now
├── TeacherFailure      the teacher did not do what was asked
├── StoreFailure        the hub or store that was to take an export did not
├── InsufficientStorage disk full
│   └── DatabaseFull    that of the database: ask again once there is room
└── Unavailable         try again later: Postgres away, schema unknown
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a body: where (JSON pointer), which (code), how to mend it."""

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class LineProblem:
    """One bad line of an upload; `line` and `column` (in characters) count from 1."""

    line: int
    code: str
    detail: str
    pointer: str = ""
    column: int | None = None
    excerpt: str | None = None


class CultivarError(Exception):
    """The root: `code` is stable for programs, the message is written for the caller."""

    code = "error"
    title = "The request could not be done"

    def __init__(self, detail: str, *, code: str | None = None, title: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.title = title or type(self).title

    def extra(self) -> Mapping[str, object]:
        """Further members of the problem report."""
        return {}


class InvalidInput(CultivarError):
    """The content is wrong; nothing was stored."""

    code = "invalid_input"
    title = "Some fields cannot be used"

    def __init__(
        self,
        detail: str,
        *,
        problems: Sequence[Problem] = (),
        code: str | None = None,
        title: str | None = None,
    ) -> None:
        super().__init__(detail, code=code, title=title)
        self.problems = tuple(problems)

    def extra(self) -> Mapping[str, object]:
        if not self.problems:
            return {}
        return {
            "errors": [
                {"pointer": each.pointer, "code": each.code, "detail": each.detail}
                for each in self.problems
            ]
        }


@dataclass(frozen=True, slots=True)
class UploadReport:
    """What a reader found in a file: the first 100 bad lines, their count, and the lines read."""

    errors: tuple[LineProblem, ...] = ()
    error_count: int = 0
    lines_read: int = 0
    rows_read: int = 0
    truncated: bool = field(default=False)


class InvalidUpload(InvalidInput):
    """A file whose bad lines are named; nothing of it was stored."""

    code = "invalid_upload"
    title = "Some lines of the file cannot be used"

    def __init__(self, detail: str, report: UploadReport, *, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.report = report

    def extra(self) -> Mapping[str, object]:
        return upload_members(self.report)


def upload_members(report: UploadReport) -> Mapping[str, object]:
    """A report as JSON members; absent columns, pointers and excerpts are left out."""
    return {
        "error_count": report.error_count,
        "lines_read": report.lines_read,
        "truncated": report.truncated,
        "errors": [_line_members(each) for each in report.errors],
    }


def _line_members(problem: LineProblem) -> Mapping[str, object]:
    members: dict[str, object] = {"line": problem.line}
    if problem.column is not None:
        members["column"] = problem.column
    members |= {
        "pointer": problem.pointer,
        "code": problem.code,
        "detail": problem.detail,
    }
    if problem.excerpt is not None:
        members["excerpt"] = problem.excerpt
    return members


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """Something wrong in a document; `line`, `column` and `page` count from 1 where known."""

    code: str
    detail: str
    line: int | None = None
    column: int | None = None
    page: int | None = None

    @property
    def told(self) -> str:
        """Where and what, as people say it."""
        where = ", ".join(f"{name} {at}" for name, at in self._places().items())
        return f"{where}: {self.detail}" if where else self.detail

    def _places(self) -> Mapping[str, int]:
        places = {"page": self.page, "line": self.line, "column": self.column}
        return {name: at for name, at in places.items() if at is not None}

    def members(self) -> Mapping[str, object]:
        """Its JSON members; what is not known is left out."""
        return {**self._places(), "pointer": "", "code": self.code, "detail": self.detail}


class InvalidDocument(InvalidInput):
    """A document that cannot be read; nothing of it was stored."""

    code = "invalid_document"
    title = "The document cannot be read"

    def __init__(
        self, detail: str, *, found: Sequence[DocumentProblem] = (), code: str | None = None
    ) -> None:
        super().__init__(detail, code=code)
        self.found = tuple(found)

    def extra(self) -> Mapping[str, object]:
        return {"errors": [each.members() for each in self.found]} if self.found else {}


class TooLarge(InvalidInput):
    """Over a limit that the message states."""

    code = "too_large"
    title = "Too large"


class NotText(InvalidInput):
    """Compressed or binary content where text is wanted."""

    code = "compressed_or_binary"
    title = "Not a text file"


class MalformedRequest(InvalidInput):
    """A request that cannot be read at all, so its content was not judged."""

    code = "malformed_request"
    title = "The request cannot be read"


class UnknownCursor(InvalidInput):
    """A page cursor that this service did not give."""

    code = "cursor_invalid"
    title = "Unknown page cursor"


class NotFound(CultivarError):
    """No such thing."""

    code = "not_found"
    title = "Not found"


class Conflict(CultivarError):
    """The content is right but the state does not allow it."""

    code = "invalid_state"
    title = "Not possible in the present state"


class InUse(Conflict):
    """Something running depends on it."""

    code = "in_use"
    title = "In use"


class Unauthenticated(CultivarError):
    """Nobody we know; which part of what was presented is wrong is never said."""

    code = "unauthenticated"
    title = "A key is needed"


class Forbidden(CultivarError):
    """Somebody we know, who may not do this."""

    code = "missing_scope"
    title = "The key does not allow this"


class RateLimited(CultivarError):
    """Too much for now; `retry_after_s` is when to come back."""

    code = "rate_limited"
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after_s: float, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.retry_after_s = retry_after_s


class StoreFailure(CultivarError):
    """A hub or store did not take an export; pushing it again is safe."""

    code = "store_failed"
    title = "The export was not pushed"


class TeacherFailure(CultivarError):
    """The teacher did not answer as asked; `stage` says how far it came."""

    code = "provider_check_failed"
    title = "The teacher did not answer as asked"

    def __init__(self, detail: str, *, stage: str) -> None:
        super().__init__(detail)
        self.stage = stage

    def extra(self) -> Mapping[str, object]:
        return {"stage": self.stage}


class InsufficientStorage(CultivarError):
    """The disk is full."""

    code = "insufficient_storage"
    title = "Not enough disk space"


class DatabaseFull(InsufficientStorage):
    """The disk of the database is full; what was asked is done once somebody has made room."""

    title = "The database has no disk space"


class Unavailable(CultivarError):
    """Right request, wrong moment: try again later."""

    code = "temporarily_unavailable"
    title = "Temporarily unavailable"
