"""The rows of a file as values, where one bad row spoils the file and every bad row is named."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from app.errors import InvalidUpload, LineProblem, Problem, UploadReport
from app.files.excerpt import excerpt
from app.files.file_row import BadRow, FileRow
from app.files.row_files import RowFile

Value = TypeVar("Value")
Report = Callable[[RowFile, int], None]
"""Told now and then which file is being read, and how many rows of it have been."""

_LISTED = 100
_NAMED = 10
_REPORT_EVERY = 250


class BadField(Exception):
    """A field of a row that cannot be used."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class CheckedRows(Generic[Value]):
    """Iterate for the rows and their values, then call `done`.

    `parse` makes a value of a row's fields, or raises BadField. From the first bad row on nothing
    more is given, but reading goes on so that all bad rows are named.
    """

    def __init__(
        self,
        file: RowFile,
        parse: Callable[[Mapping[str, object]], Value],
        report: Report | None = None,
    ) -> None:
        self._file = file
        self._parse = parse
        self._report = report
        self._listed: list[LineProblem] = []
        self._bad = 0
        self._rows = 0

    def __iter__(self) -> Iterator[tuple[FileRow, Value]]:
        for row in self._file.rows:
            self._rows += 1
            if self._report is not None and self._rows % _REPORT_EVERY == 0:
                self._report(self._file, self._rows)
            if isinstance(row, BadRow):
                self._note(row.problem)
                continue
            try:
                value = self._parse(row.fields)
            except BadField as bad:
                self._note(_line_problem(row, bad.problem))
                continue
            if not self._bad:
                yield row, value

    def done(self) -> int:
        """How many rows there were; raises InvalidUpload when some were bad."""
        if self._report is not None:
            self._report(self._file, self._rows)
        if not self._bad:
            return self._rows
        report = UploadReport(
            errors=tuple(self._listed),
            error_count=self._bad,
            lines_read=self._rows,
            rows_read=self._rows - self._bad,
            truncated=self._bad > len(self._listed),
        )
        raise InvalidUpload(f"{self._file.name}: {self._bad_lines()} cannot be used.", report)

    def _note(self, problem: LineProblem) -> None:
        self._bad += 1
        if len(self._listed) < _LISTED:
            self._listed.append(problem)

    def _bad_lines(self) -> str:
        named = [str(each.line) for each in self._listed[:_NAMED]]
        if self._bad == 1:
            return f"line {named[0]}"
        if self._bad > len(named):
            return f"lines {', '.join(named)} and {self._bad - len(named):,} more"
        return f"lines {', '.join(named[:-1])} and {named[-1]}"


def _line_problem(row: FileRow, problem: Problem) -> LineProblem:
    quoted = excerpt(row.raw[:400].decode("utf-8", "backslashreplace").rstrip("\r\n"))
    return LineProblem(
        row.number, problem.code, problem.detail, pointer=problem.pointer, excerpt=quoted
    )


def text_field(fields: Mapping[str, object], name: str) -> str:
    """The text under a name; raises BadField."""
    value = fields.get(name)
    if isinstance(value, str):
        return value
    if name in fields:
        raise BadField(Problem(f"/{name}", "wrong_type", f"{name} must be text"))
    found = ", ".join(list(fields)[:8]) or "nothing"
    detail = f"there is no field {name}; there is {found}"
    raise BadField(Problem(f"/{name}", "missing_field", detail))


def optional_text(fields: Mapping[str, object], name: str) -> str | None:
    """The text under a name, None where it is null or missing; raises BadField."""
    return None if fields.get(name) is None else text_field(fields, name)
