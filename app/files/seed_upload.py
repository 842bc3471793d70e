"""Seeds out of an uploaded JSONL file, pushed in as its bytes arrive, with every bad line named."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import orjson

from app.domain.records import Seed
from app.domain.seed_rows import parse_seed
from app.errors import CultivarError, InvalidUpload, LineProblem, Problem, UploadReport
from app.files.excerpt import excerpt
from app.files.jsonl import BadLine, read_object
from app.files.lines import LineSplitter, PhysicalLine
from app.files.seen import SeenDigests
from app.files.upload_limits import UploadLimits

OnError = Literal["reject", "skip"]

_CHUNK_BYTES = 256 * 1024
_SPACE = b" \t\r"
_LINES_NAMED = 10


class SeedReader:
    """A push parser of seed files: `feed` the bytes, then `finish`; seeds come as lines complete.

    With `on_error="reject"` no seed is given after the first bad line, but reading goes on so that
    all bad lines are named; with "skip" the good lines are given and the bad ones reported. Rows of
    the same content (instruction, instances, is_classification) are bad, the first one excepted,
    or left out silently with `dedupe`. Memory does not grow with the file, but for 40 bytes a row.
    """

    def __init__(
        self,
        *,
        limits: UploadLimits | None = None,
        on_error: OnError = "reject",
        dedupe: bool = False,
    ) -> None:
        self._limits = limits or UploadLimits()
        self._rejects = on_error == "reject"
        self._dedupe = dedupe
        self._splitter = LineSplitter(self._limits)
        self._seen = SeenDigests()
        self._listed: list[LineProblem] = []
        self._error_count = 0
        self._rows_read = 0
        self._first_line = True
        self._lone_list: BadLine | None = None
        self._unusable: LineProblem | None = None
        self._failure: CultivarError | None = None
        self.duplicates_left_out = 0

    def feed(self, chunk: bytes) -> list[Seed]:
        """The seeds that this chunk completes, in order; raises TooLarge or NotText at once."""
        return self._collect(self._splitter.push(chunk))

    def finish(self) -> list[Seed]:
        """The seed of a last line without an end; raises InvalidUpload as the class tells.

        A file without any row raises it too, with the code `empty_upload`; so does, whatever
        `on_error`, one without a good row, or one that is JSON but not JSONL.
        """
        seeds = self._collect(self._splitter.end())
        if self._lone_list is not None:
            self._give_up(_whole_json(self._lone_list.problem))
        if self._unusable is not None:
            raise InvalidUpload(self._unusable.detail, self.report, code=self._unusable.code)
        if self._error_count and (self._rejects or not self._rows_read):
            raise self._invalid()
        if not self._rows_read:
            detail = "The file holds no rows; each line must be an object with an instruction."
            raise InvalidUpload(detail, self.report, code="empty_upload")
        return seeds

    @property
    def report(self) -> UploadReport:
        """What was found so far: one error per bad line, the first of them listed."""
        return UploadReport(
            errors=tuple(self._listed),
            error_count=self._error_count,
            lines_read=self._splitter.lines_read,
            rows_read=self._rows_read,
            truncated=self._error_count > len(self._listed),
        )

    @property
    def digest(self) -> str:
        """Hex sha256 of the bytes fed so far."""
        return self._splitter.digest

    def _collect(self, lines: Iterator[PhysicalLine]) -> list[Seed]:
        if self._failure is not None:
            raise self._failure
        seeds: list[Seed] = []
        try:
            for line in lines:
                seed = self._seed(line)
                if seed is not None and not (self._rejects and self._error_count):
                    seeds.append(seed)
        except CultivarError as failure:
            self._failure = failure
            raise
        return seeds

    def _seed(self, line: PhysicalLine) -> Seed | None:
        if self._unusable is not None or not line.raw.strip(_SPACE):
            return None
        if self._splitter.wide is not None:
            self._give_up(_wide(line, self._splitter.wide))
            return None
        row = self._row(line)
        if row is None:
            return None
        seed, problems = parse_seed(row, max_field_chars=self._limits.max_field_chars)
        if seed is None:
            self._report(_field_problem(line, problems))
            return None
        return self._unless_repeated(line, seed)

    def _row(self, line: PhysicalLine) -> Mapping[str, object] | None:
        first, self._first_line = self._first_line, False
        if self._lone_list is not None:
            self._report(self._lone_list.problem)
            self._lone_list = None
        if line.too_long:
            self._too_long(line, first)
            return None
        row = read_object(line.raw, line.number, line.offset, self._limits)
        if not isinstance(row, BadLine):
            return row
        if first and _opens_whole_json(line.raw, row):
            self._give_up(_whole_json(row.problem))
        elif first and _lists_objects(row.value):
            self._lone_list = row
        else:
            self._report(row.problem)
        return None

    def _too_long(self, line: PhysicalLine, first: bool) -> None:
        beginning = line.raw[:200].decode("utf-8", "backslashreplace")
        detail = f"the line is longer than {self._limits.max_line_bytes:,} bytes"
        problem = LineProblem(line.number, "line_too_long", detail, excerpt=excerpt(beginning))
        if first and _starts_list_of_objects(line.raw):
            self._give_up(_whole_json(problem))
        else:
            self._report(problem)

    def _unless_repeated(self, line: PhysicalLine, seed: Seed) -> Seed | None:
        first_line = self._seen.first_line(_content_digest(seed), line.number)
        if first_line is None:
            self._rows_read += 1
            return seed
        if self._dedupe:
            self.duplicates_left_out += 1
            return None
        detail = f"the same as line {first_line}"
        quoted = excerpt(line.raw.decode("utf-8"))
        self._report(LineProblem(line.number, "duplicate_row", detail, excerpt=quoted))
        return None

    def _report(self, problem: LineProblem) -> None:
        self._error_count += 1
        if len(self._listed) < self._limits.max_errors_listed:
            self._listed.append(problem)

    def _give_up(self, problem: LineProblem) -> None:
        """The file as a whole is of the wrong kind: its lines are counted but no longer read."""
        self._lone_list = None
        self._unusable = problem
        self._report(problem)

    def _invalid(self) -> InvalidUpload:
        count = self._error_count
        lines = _named([each.line for each in self._listed[:_LINES_NAMED]], count)
        detail = f"Nothing was stored. Correct {lines} and send the file again."
        failure = InvalidUpload(detail, self.report)
        noun = "line" if count == 1 else "lines"
        failure.title = f"{count:,} {noun} of the file cannot be used"
        return failure


def read_seed_file(
    path: Path,
    *,
    limits: UploadLimits | None = None,
    on_error: OnError = "reject",
    dedupe: bool = False,
) -> tuple[list[Seed], UploadReport]:
    """All seeds of a file on disk, and what was found in it; raises as `SeedReader` does."""
    reader = SeedReader(limits=limits, on_error=on_error, dedupe=dedupe)
    seeds: list[Seed] = []
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            seeds += reader.feed(chunk)
    seeds += reader.finish()
    return seeds, reader.report


def _content_digest(seed: Seed) -> bytes:
    instances = [(each.input, each.output) for each in seed.instances]
    content = orjson.dumps((seed.instruction, instances, seed.is_classification))
    return hashlib.blake2b(content, digest_size=16).digest()


def _field_problem(line: PhysicalLine, problems: tuple[Problem, ...]) -> LineProblem:
    """One error for the line: the first problem in full, the others behind it."""
    first, *others = problems
    further = "".join(f"; {each.pointer}: {each.detail}" for each in others[:_LINES_NAMED])
    return LineProblem(
        line=line.number,
        code=first.code,
        detail=first.detail + further,
        pointer=first.pointer,
        excerpt=excerpt(line.raw.decode("utf-8")),
    )


def _opens_whole_json(raw: bytes, bad: BadLine) -> bool:
    """Whether the first line begins a JSON list, or an object written over many lines."""
    start = raw.strip(_SPACE)
    return bad.unfinished and (start == b"{" or start.startswith(b"["))


def _starts_list_of_objects(raw: bytes) -> bool:
    start = raw.lstrip(_SPACE)
    return start.startswith(b"[") and start[1:].lstrip(_SPACE).startswith(b"{")


def _lists_objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _whole_json(problem: LineProblem) -> LineProblem:
    detail = (
        "The file is one JSON value, not JSONL: write each object on a line of its own, "
        "for example with: jq -c '.[]' file.json > file.jsonl"
    )
    return LineProblem(
        problem.line, "looks_like_json_not_jsonl", detail, column=1, excerpt=problem.excerpt
    )


def _wide(line: PhysicalLine, encoding: str) -> LineProblem:
    detail = f"The file is written in {encoding} (from byte 0 on); save it as UTF-8."
    quoted = excerpt(line.raw[:200].decode("utf-8", "backslashreplace"))
    return LineProblem(line.number, "not_utf8", detail, column=1, excerpt=quoted)


def _named(lines: list[int], count: int) -> str:
    """Line numbers as people say them: line 2; lines 2, 17 and 40; lines 2, 17 and 98 more."""
    if count == 1:
        return f"line {lines[0]}"
    if count > len(lines):
        return f"lines {', '.join(map(str, lines))} and {count - len(lines):,} more"
    return f"lines {', '.join(map(str, lines[:-1]))} and {lines[-1]}"
