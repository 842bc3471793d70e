"""The input file of a batch, checked line by line as OpenAI does before a batch begins."""

from typing import Any

import orjson

MOST_LINES = 50_000


def read_lines(content: bytes, endpoint: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(lines, errors) of a batch's input file; with any error the batch fails as a whole."""
    lines: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, raw in enumerate(content.splitlines(), start=1):
        if not raw.strip():
            continue
        problem, line = _read_line(raw, endpoint, seen)
        if problem:
            code, message = problem
            errors.append({"code": code, "line": number, "message": message, "param": None})
        lines.append(line)
    if not lines:
        message = "The batch input file is empty."
        errors.append({"code": "empty_file", "line": None, "message": message, "param": None})
    if len(lines) > MOST_LINES:
        message = f"At most {MOST_LINES} requests are allowed."
        errors.append({"code": "too_many_tasks", "line": None, "message": message, "param": None})
    return lines, errors


def _read_line(
    raw: bytes, endpoint: str, seen: set[str]
) -> tuple[tuple[str, str] | None, dict[str, Any]]:
    try:
        line = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return ("invalid_json_line", "This line is not parseable as valid JSON."), {}
    if not isinstance(line, dict) or not isinstance(line.get("body"), dict):
        return ("missing_required_parameter", "'body' must be an object."), {}
    custom_id = line.get("custom_id")
    if not isinstance(custom_id, str):
        return ("missing_required_parameter", "'custom_id' must be a string."), {}
    if custom_id in seen:
        return ("duplicate_custom_id", f"The custom_id '{custom_id}' is used twice."), {}
    seen.add(custom_id)
    if line.get("method") != "POST":
        return ("invalid_method", "'method' must be POST."), {}
    if line.get("url") != endpoint:
        return ("mismatched_url", f"'url' must be the batch's endpoint {endpoint}."), {}
    return None, line
