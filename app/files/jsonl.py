"""One line of JSONL as a JSON object, or the one fault that keeps it from being one.

orjson reads every line; a careful scan follows only where orjson refuses, or where it may have
let something pass (repeated keys, control characters, numbers beyond 64 bits, deep nesting).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import orjson

from app.errors import LineProblem
from app.files.excerpt import excerpt
from app.files.json_scan import ScanFault, scan_json
from app.files.upload_limits import UploadLimits

_TELLING_ESCAPE = re.compile(rb"\\(?:u00(?:[01]|3[aA])|[bf])")
_INTEGER_LIMIT = 2**63


@dataclass(frozen=True, slots=True)
class BadLine:
    """Why a line is not an object; `unfinished` and `value` tell whole JSON files from bad lines.

    `value` is what the line holds when it is sound JSON of another kind.
    """

    problem: LineProblem
    unfinished: bool = False
    value: object = None


def read_object(
    raw: bytes, number: int, offset: int, limits: UploadLimits
) -> Mapping[str, object] | BadLine:
    """The object on line `number` (from 1), which starts at byte `offset` of the file."""
    try:
        value: object = orjson.loads(raw)
    except orjson.JSONDecodeError as refusal:
        return _diagnose(raw, number, offset, limits, refusal)
    if not isinstance(value, dict):
        return _not_an_object(raw.decode("utf-8"), number, value)
    members = cast("dict[str, object]", value)
    if not _surely_sound(members, raw, limits):
        text = raw.decode("utf-8")
        fault = scan_json(text, max_depth=limits.max_depth, max_keys=limits.max_keys)
        if fault is not None:
            return _bad(text, number, fault)
    return members


def _surely_sound(value: Mapping[str, object], raw: bytes, limits: UploadLimits) -> bool:
    """True only if a scan would find nothing: every colon of the line is accounted for.

    orjson keeps the last of repeated keys, so the raw line then holds more colons than the value.
    """
    if b"\\" in raw and _TELLING_ESCAPE.search(raw):
        return False
    colons = 0
    levels: list[tuple[object, int]] = [(value, 1)]
    while levels:
        current, depth = levels.pop()
        if depth > limits.max_depth:
            return False
        items, found = _members(current)
        if found > limits.max_keys:
            return False
        colons += found
        for item in items:
            if isinstance(item, str):
                colons += item.count(":")
            elif isinstance(item, dict | list):
                levels.append((cast(object, item), depth + 1))
            elif item is not None and not _within_range(item):
                return False
    return colons == raw.count(b":")


def _members(value: object) -> tuple[list[object], int]:
    """The keys and values of an object with its number of keys, or the items of an array and 0."""
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return [*members, *members.values()], len(members)
    return cast("list[object]", value), 0


def _within_range(item: object) -> bool:
    return isinstance(item, int | float) and -_INTEGER_LIMIT < item < _INTEGER_LIMIT


def _diagnose(
    raw: bytes, number: int, offset: int, limits: UploadLimits, refusal: orjson.JSONDecodeError
) -> BadLine:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as broken:
        return _not_utf8(raw, number, offset, broken.start)
    fault = scan_json(text, max_depth=limits.max_depth, max_keys=limits.max_keys)
    if fault is None:
        fault = ScanFault("json_syntax", refusal.msg, refusal.pos + 1, "")
    return _bad(text, number, fault)


def _bad(text: str, number: int, fault: ScanFault) -> BadLine:
    problem = LineProblem(
        line=number,
        code=fault.code,
        detail=fault.detail,
        pointer=fault.pointer,
        column=fault.column,
        excerpt=excerpt(text, fault.column),
    )
    return BadLine(problem, unfinished=fault.unfinished)


def _not_utf8(raw: bytes, number: int, offset: int, start: int) -> BadLine:
    column = len(raw[:start].decode("utf-8")) + 1
    detail = (
        f"the byte 0x{raw[start]:02X} at offset {start} of the line "
        f"({offset + start} of the file, both from 0) is not UTF-8; save the file as UTF-8"
    )
    quoted = excerpt(raw.decode("utf-8", "backslashreplace"), column)
    return BadLine(LineProblem(number, "not_utf8", detail, column=column, excerpt=quoted))


def _not_an_object(text: str, number: int, value: object) -> BadLine:
    detail = f'each line must be a JSON object like {{"instruction": "…"}}, not {_kind(value)}'
    problem = LineProblem(number, "not_an_object", detail, column=1, excerpt=excerpt(text))
    return BadLine(problem, value=value)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"
