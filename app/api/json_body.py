"""A request body as a JSON object, read strictly: what a lenient reader guesses at is refused."""

import re
from collections.abc import Mapping

from starlette.requests import Request

from app.api.body_stream import read_body
from app.api.errors import HttpRefusal
from app.api.field_codes import code_at
from app.errors import InvalidInput, LineProblem, MalformedRequest, Problem
from app.files.jsonl import BadLine, read_object
from app.files.upload_limits import UploadLimits

MAX_BODY_BYTES = 1024 * 1024
_LIMITS = UploadLimits()
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s\";]*)", re.IGNORECASE)
_UNREADABLE = {"json_syntax", "not_an_object", "not_utf8"}


class UnreadableJson(MalformedRequest):
    """A body that is no JSON object; `line` and `column` count from 1."""

    def __init__(self, detail: str, *, code: str, line: int, column: int) -> None:
        super().__init__(detail, code=code)
        self.line = line
        self.column = column

    def extra(self) -> Mapping[str, object]:
        return {"line": self.line, "column": self.column}


class ReadRequest(Request):
    """A request whose JSON body has been read and judged already."""

    raw: bytes = b""
    value: Mapping[str, object]

    async def body(self) -> bytes:
        return self.raw

    async def json(self) -> Mapping[str, object]:
        return self.value


async def read_json(request: Request, *, required: bool) -> ReadRequest:
    """Read and judge the body; an absent one passes where it is not `required`.

    Raises HttpRefusal (415, 408), TooLarge, UnreadableJson, and InvalidInput for a body that is
    JSON but holds repeated keys, control characters, or numbers and levels beyond the limits.
    """
    raw = await read_body(request, MAX_BODY_BYTES)
    if not raw and required:
        detail = "The body is empty; send a JSON object."
        raise UnreadableJson(detail, code="json_syntax", line=1, column=1)
    read = ReadRequest(request.scope, request.receive)
    read.raw = raw
    if raw:
        _check_type(request)
        read.value = parse_object(raw)
    return read


def _check_type(request: Request) -> None:
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    given = media_type.strip().lower()
    if given != "application/json" and not (
        given.startswith("application/") and given.endswith("+json")
    ):
        detail = "The body must be JSON: send it as Content-Type: application/json."
        raise HttpRefusal(415, detail, headers={"Accept": "application/json"})
    check_encoding(request, parameters)


def check_encoding(request: Request, parameters: str) -> None:
    """Refuse other charsets than UTF-8, and compressed bodies; raises HttpRefusal (415)."""
    charset = _CHARSET.search(parameters)
    if charset is not None and charset[1].lower() not in {"utf-8", "utf8"}:
        raise HttpRefusal(415, "The body must be UTF-8.", code="unsupported_charset")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        detail = "Compressed bodies are not accepted; send the plain text."
        raise HttpRefusal(415, detail, code="compressed_or_binary")


def parse_object(raw: bytes) -> Mapping[str, object]:
    """The object that a body holds; raises as `read_json` tells."""
    found = read_object(raw, 1, 0, _LIMITS)
    if not isinstance(found, BadLine):
        return found
    problem = found.problem
    if problem.code in _UNREADABLE:
        raise _unreadable(raw, problem)
    code = code_at(problem.pointer, problem.code)
    raise InvalidInput(
        "The body cannot be used.", problems=[Problem(problem.pointer, code, problem.detail)]
    )


def _unreadable(raw: bytes, problem: LineProblem) -> UnreadableJson:
    before = raw.decode("utf-8", "replace")[: (problem.column or 1) - 1]
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    match problem.code:
        case "not_an_object":
            detail = "The body must be a JSON object, in curly braces."
        case "not_utf8":
            detail = "The body is not UTF-8."
        case _:
            said = problem.detail.replace("the line", "the body")
            detail = f"The body is not JSON: {said} (line {line}, column {column})."
    return UnreadableJson(detail, code=problem.code, line=line, column=column)
