"""The sheet of a review: a line for each row of the sample, to be filled in and sent back.

As CSV every cell is quoted, and none can be taken for a formula (`app.domain.csv_guard`); as JSONL
it holds the texts as they are. Both give the same values back.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import cast
from uuid import UUID

import orjson

from app.domain.csv_guard import guarded, unguarded
from app.domain.review import ReviewedRow
from app.errors import Problem
from app.files.checked_rows import BadField, optional_text, text_field

COLUMNS = (
    "position", "row_id", "verdict", "reasons", "note", "reviewer", "instruction", "input",
    "output", "messages",
)  # fmt: skip
_UTF8_MARK = b"\xef\xbb\xbf"
_BETWEEN = re.compile(r"[,;\s]+")


class SheetKind(StrEnum):
    """The kinds of sheet; a value with a dot before it is the file's suffix."""

    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class SheetLine:
    """What one line says; an empty verdict is none yet, and texts are None where not told."""

    row_id: UUID
    verdict: str
    reasons: tuple[str, ...]
    note: str
    reviewer: str | None
    instruction: str | None
    input: str | None
    output: str | None
    messages: tuple[str, ...] | None


def sheet_head(kind: SheetKind) -> bytes:
    """What a sheet begins with; the mark tells spreadsheet programs that it is UTF-8."""
    return _UTF8_MARK + _csv_line(COLUMNS) if kind is SheetKind.CSV else b""


def sheet_line(row: ReviewedRow, kind: SheetKind) -> bytes:
    """The line of a row, with what was said of it so far."""
    last = row.decision
    values: dict[str, object] = {
        "position": row.position + 1,
        "row_id": str(row.row.id),
        "verdict": "" if last is None else str(last.verdict),
        "reasons": [] if last is None else list(last.reasons),
        "note": "" if last is None else last.note,
        "reviewer": "" if last is None else last.reviewer,
        "instruction": row.row.instruction,
        "input": row.row.input,
        "output": row.row.output,
        "messages": row.row.messages,
    }
    if kind is SheetKind.JSONL:
        return orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)
    return _csv_line([_cell(values[name]) for name in COLUMNS])


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case list() if all(isinstance(each, str) for each in cast("list[object]", value)):
            return "; ".join(cast("list[str]", value))
        case list() | tuple():
            return guarded(json.dumps(value, ensure_ascii=False))
        case _:
            return guarded(str(value))


def _csv_line(cells: Sequence[str]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
    return written.getvalue().encode()


def read_line(fields: Mapping[str, object], kind: SheetKind) -> SheetLine:
    """The values of a line; raises BadField."""
    if kind is SheetKind.CSV:
        fields = {
            name: unguarded(value) if isinstance(value, str) else value
            for name, value in fields.items()
        }
    return SheetLine(
        row_id=_row_id(fields),
        verdict=(optional_text(fields, "verdict") or "").strip(),
        reasons=_reasons(fields),
        note=optional_text(fields, "note") or "",
        reviewer=(optional_text(fields, "reviewer") or "").strip() or None,
        instruction=optional_text(fields, "instruction"),
        input=optional_text(fields, "input"),
        output=optional_text(fields, "output"),
        messages=_messages(fields, kind),
    )


def _row_id(fields: Mapping[str, object]) -> UUID:
    text = text_field(fields, "row_id").strip()
    try:
        return UUID(text)
    except ValueError as error:
        raise BadField(Problem("/row_id", "wrong_type", f"{text[:80]!r} is no id")) from error


def _reasons(fields: Mapping[str, object]) -> tuple[str, ...]:
    value = fields.get("reasons")
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(each for each in _BETWEEN.split(value) if each)
    if isinstance(value, list):
        items = cast("list[object]", value)
        if all(isinstance(each, str) for each in items):
            return tuple(cast("list[str]", items))
    raise BadField(Problem("/reasons", "wrong_type", "reasons must be a list of names"))


def _messages(fields: Mapping[str, object], kind: SheetKind) -> tuple[str, ...] | None:
    value = fields.get("messages")
    if kind is SheetKind.CSV and isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else None
        except ValueError as error:
            problem = Problem("/messages", "json_syntax", "messages is no list in JSON")
            raise BadField(problem) from error
    if value is None:
        return None
    turns = cast("list[object]", value) if isinstance(value, list) else []
    contents = [_content(each) for each in turns]
    if not contents or None in contents:
        detail = "messages must be a list of objects with role and content"
        raise BadField(Problem("/messages", "wrong_type", detail))
    return tuple(cast("list[str]", contents))


def _content(turn: object) -> str | None:
    if not isinstance(turn, dict):
        return None
    content = cast("dict[str, object]", turn).get("content")
    return content if isinstance(content, str) else None
