"""Read a teacher's reply: the text, why there is none, and the tokens that it reports."""

import json
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, assert_never, cast

import orjson

from app.domain.method import Completion
from app.llm.teacher import REPLY_LIMIT_BYTES, Endpoint

ABSURD_TOKENS = 10**8

_Members: TypeAlias = dict[str, object]


class Rejection(StrEnum):
    """Why a paid reply gives no completion."""

    EMPTY_CHOICES = "empty_choices"
    NULL_CONTENT = "null_content"
    CONTENT_FILTER = "content_filter"
    NUL_CHARACTER = "nul_character"
    LONE_SURROGATE = "lone_surrogate"
    REPLY_TOO_LARGE = "reply_too_large"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class ReadReply:
    """Either a completion or a rejection; token counts are None where absent or absurd."""

    completion: Completion | None = None
    rejection: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def read_reply(endpoint: Endpoint, raw: bytes) -> ReadReply:
    """Read the first choice of a body. Never raises, whatever the bytes are."""
    body = parse_body(raw)
    if body is None:
        return ReadReply(rejection=_unparsed(raw))
    if endpoint is Endpoint.SCORE:
        return _read_score(body)
    choices = body.get("choices")
    if not isinstance(choices, list):
        return ReadReply(rejection=Rejection.UNREADABLE)
    found = _first_choice(endpoint, cast("list[object]", choices))
    if len(raw) >= REPLY_LIMIT_BYTES:  # the rest was not read, though it seems complete
        found = Rejection.REPLY_TOO_LARGE
    text = found.text if isinstance(found, Completion) else ""
    prompt_tokens, completion_tokens = _usage(body.get("usage"), text)
    if isinstance(found, Completion):
        return ReadReply(found, None, prompt_tokens, completion_tokens)
    return ReadReply(None, found, prompt_tokens, completion_tokens)


def parse_body(raw: bytes) -> _Members | None:
    """A body's JSON object, or None when it is not one.

    orjson refuses lone surrogates, NaN and numbers past its range, which the standard library
    reads; a body must be read before the text in it can be rejected by name.
    """
    try:
        return _members(orjson.loads(raw))
    except orjson.JSONDecodeError:
        pass
    try:
        return _members(json.loads(raw.decode("utf-8", "surrogatepass")))
    except (ValueError, RecursionError):
        return None


def has_answer(endpoint: Endpoint, raw: bytes) -> bool:
    """Whether a body is a JSON object with a list of choices (of vectors), be it an empty one, or
    with a score."""
    body = parse_body(raw)
    if endpoint is Endpoint.SCORE:
        return body is not None and _score(body) is not None
    name = "data" if endpoint is Endpoint.EMBEDDINGS else "choices"
    return body is not None and isinstance(body.get(name), list)


def _read_score(body: _Members) -> ReadReply:
    """A score as the text of a completion; such services mostly count no tokens."""
    score = _score(body)
    if score is None:
        return ReadReply(rejection=Rejection.UNREADABLE)
    usage = _members(body.get("usage")) or {}
    tokens = [_count(usage.get(name, 0)) for name in ("prompt_tokens", "completion_tokens")]
    told = tokens if tokens[0] else [None, None]
    return ReadReply(Completion(repr(score), "stop"), None, *told)


def _score(body: _Members) -> float | None:
    value = body.get("score")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _members(value: object) -> _Members | None:
    return cast("_Members", value) if isinstance(value, dict) else None


def _unparsed(raw: bytes) -> Rejection:
    cut_off = len(raw) >= REPLY_LIMIT_BYTES
    return Rejection.REPLY_TOO_LARGE if cut_off else Rejection.UNREADABLE


def _first_choice(endpoint: Endpoint, choices: list[object]) -> Completion | Rejection:
    if not choices:
        return Rejection.EMPTY_CHOICES
    choice = _members(choices[0])
    if choice is None:
        return Rejection.UNREADABLE
    finish_reason = _finish_reason(choice.get("finish_reason"))
    if finish_reason == "content_filter":
        return Rejection.CONTENT_FILTER
    text = _text(endpoint, choice)
    if isinstance(text, Rejection):
        return text
    return _unstorable(text) or Completion(text, finish_reason)


def _text(endpoint: Endpoint, choice: _Members) -> str | Rejection:
    match endpoint:
        case Endpoint.CHAT:
            message = _members(choice.get("message"))
            if message is None:
                return Rejection.UNREADABLE
            content = message.get("content")
        case Endpoint.COMPLETIONS:
            content = choice.get("text")
        case Endpoint.EMBEDDINGS | Endpoint.SCORE:
            return Rejection.UNREADABLE
        case _:
            assert_never(endpoint)
    if isinstance(content, list):
        content = _joined_parts(cast("list[object]", content))
    if content is None:
        return Rejection.NULL_CONTENT
    return content if isinstance(content, str) else Rejection.UNREADABLE


def _joined_parts(parts: list[object]) -> str | None:
    """Some servers send a message as a list of typed parts; only the text ones are the answer."""
    texts = [
        part["text"]
        for part in map(_members, parts)
        if part is not None and isinstance(part.get("text"), str)
    ]
    return "".join(cast("list[str]", texts)) if texts else None


def _finish_reason(value: object) -> str | None:
    readable = isinstance(value, str) and value.isascii() and value.isprintable()
    return cast("str", value)[:64] if readable else None


def _unstorable(text: str) -> Rejection | None:
    """Postgres takes neither NUL nor half a surrogate pair in a text."""
    if "\0" in text:
        return Rejection.NUL_CHARACTER
    try:
        text.encode()
    except UnicodeEncodeError:
        return Rejection.LONE_SURROGATE
    return None


def _usage(value: object, text: str) -> tuple[int | None, int | None]:
    """Prompt and completion tokens, both or neither: half a count would undercharge."""
    usage = _members(value)
    if usage is None:
        return None, None
    prompt_tokens = _count(usage.get("prompt_tokens"))
    completion_tokens = _count(usage.get("completion_tokens"))
    if not prompt_tokens or completion_tokens is None or (text and not completion_tokens):
        return None, None
    return prompt_tokens, completion_tokens


def _count(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= ABSURD_TOKENS else None
