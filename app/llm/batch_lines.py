"""The lines of a batch's files: a call as it goes in, a result as it comes out, to the byte."""

import json
from dataclasses import dataclass
from json.decoder import JSONDecodeError
from typing import cast

import orjson

from app.llm.bodies import endpoint_path, request_body
from app.llm.outcomes import error_text, outcome_of, outcome_of_code
from app.llm.redaction import Redactor
from app.llm.replies import parse_body
from app.llm.teacher import REPLY_LIMIT_BYTES, Call, Endpoint, Outcome, Reply

_DECODER = json.JSONDecoder()
_BLANK = " \t\r\n"
_NOT_RUN = frozenset({"batch_expired", "batch_cancelled", "batch_canceled", "request_cancelled"})
_TOO_LARGE = f"The reply is longer than {REPLY_LIMIT_BYTES} bytes; the rest was not kept."


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One line of an output or error file; `body` holds the reply's bytes as they stand in it."""

    custom_id: str
    status: int | None = None
    request_id: str | None = None
    body: bytes = b""
    code: str | None = None
    message: str | None = None


def custom_id(call: Call) -> str:
    """Names one attempt of one slot: a result that comes late is not taken for another's."""
    return f"{call.key}-{call.attempt}"


def endpoint_url(endpoint: Endpoint) -> str:
    """How a batch names the endpoint, whatever the teacher's own address begins with."""
    return f"/v1/{endpoint_path(endpoint)}"


def call_line(call: Call) -> bytes:
    """A call as a line of the input file, its line end included."""
    line = {
        "custom_id": custom_id(call),
        "method": "POST",
        "url": endpoint_url(call.teacher.endpoint),
        "body": orjson.Fragment(request_body(call.teacher, call.prompt)),
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def read_result_line(line: bytes) -> ResultLine | None:
    """Read a line; None when it does not say whose result it is. Never raises."""
    members = parse_body(line)
    name = members.get("custom_id") if members is not None else None
    if members is None or not isinstance(name, str):
        return None
    response, error = _members(members.get("response")), _members(members.get("error"))
    status = response.get("status_code")
    return ResultLine(
        custom_id=name,
        status=status if isinstance(status, int) and not isinstance(status, bool) else None,
        request_id=_text(response.get("request_id")),
        body=_body_bytes(line) if response.get("body") is not None else b"",
        code=_text(error.get("code")),
        message=_text(error.get("message")),
    )


def reply_of(call: Call, line: ResultLine, redactor: Redactor) -> Reply:
    """What a result line means for its call."""
    raw = redactor.body(line.body)
    outcome = _outcome(call, line)
    return Reply(
        call=call,
        outcome=outcome,
        status=line.status,
        raw=raw[:REPLY_LIMIT_BYTES],
        true_length=len(line.body) if line.body else None,
        request_id=line.request_id and redactor.error(line.request_id)[:200],
        error=_error(outcome, line, redactor),
    )


def _outcome(call: Call, line: ResultLine) -> Outcome:
    if line.status is None:
        return Outcome.NOT_SENT if line.code in _NOT_RUN else outcome_of_code(line.code)
    if 200 <= line.status < 300 and len(line.body) > REPLY_LIMIT_BYTES:
        return Outcome.TOO_LARGE
    return outcome_of(line.status, line.body, call.teacher.endpoint)


def _error(outcome: Outcome, line: ResultLine, redactor: Redactor) -> str | None:
    if outcome is Outcome.ANSWERED:
        return None
    if outcome is Outcome.TOO_LARGE:
        return _TOO_LARGE
    if outcome is Outcome.UNREADABLE:
        return "The result holds no answer."
    said = line.message or (error_text(line.status or 0, line.body) if line.body else line.code)
    return redactor.error(said or "The result names no cause.")


def _body_bytes(line: bytes) -> bytes:
    """The bytes of `response.body`, so that what is stored is what came."""
    text = line.decode("utf-8", "surrogateescape")
    try:
        response = _span(text, 0, "response")
        body = _span(text, response[0], "body") if response else None
    except (JSONDecodeError, RecursionError):
        body = None
    return text[slice(*body)].encode("utf-8", "surrogateescape") if body else b""


def _span(text: str, start: int, wanted: str) -> tuple[int, int] | None:
    """Where the value of a member stands in the object that begins at `start`."""
    at = _past_blanks(text, start) + 1
    found: tuple[int, int] | None = None
    while True:
        at = _past_blanks(text, at)
        if at >= len(text) or text[at] != '"':
            return found
        name, at = _DECODER.raw_decode(text, at)
        begin = _past_blanks(text, _past_blanks(text, at) + 1)
        at = _DECODER.raw_decode(text, begin)[1]
        if name == wanted:
            found = begin, at  # the last of several counts, as for every JSON parser here
        at = _past_blanks(text, at) + 1


def _past_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANK:
        at += 1
    return at


def _members(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
