"""Each fault carried out: on the texts, on the body, or in place of any reply."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import replace
from email.utils import formatdate
from random import Random

from app.demo_teacher.faults import Fault
from app.demo_teacher.gates import quota_used_up, rate_limited, unauthorized
from app.demo_teacher.plans import Delivery, Plan
from app.demo_teacher.protocol import Choice, RequestError, Usage
from app.demo_teacher.settings import Settings

ABSURD_TOKENS = (0, -1, 10**12)
JUNK_WAITS = ("-1", "soon", "", "0", "1e9", "12,5")
GZIP_BOMB_BYTES = 256 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024
_GZIP_HEAD = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
SURROGATE_MARK = "\ue000"
HTML_PAGE = b"<!doctype html><html><head><title>502</title></head><body>Bad gateway</body></html>"
ELSEWHERE = b"http://teacher.invalid/v1/moved"

_WHOLE_REPLIES = {Fault.HTML, Fault.REDIRECT, Fault.RESET_EARLY, Fault.TIMEOUT}
_RATE_LIMITS = {
    Fault.RATE_LIMITED,
    Fault.RATE_LIMITED_SECONDS,
    Fault.RATE_LIMITED_DATE,
    Fault.RATE_LIMITED_JUNK,
    Fault.RATE_LIMITED_BARE,
    Fault.RATE_LIMITED_RESET,
}
_SERVER_ERRORS = {
    Fault.REQUEST_TIMEOUT: (408, "Request timed out."),
    Fault.CONFLICT: (409, "Conflict; please try again."),
    Fault.SERVER_ERROR: (500, "The server had an error while processing your request."),
    Fault.BAD_GATEWAY: (502, "Bad gateway."),
    Fault.UNAVAILABLE: (503, "The engine is currently overloaded, please try again later."),
    Fault.GATEWAY_TIMEOUT: (504, "Gateway timeout."),
}
_ERRORS = {
    fault: RequestError(message, status=status, kind="server_error")
    for fault, (status, message) in _SERVER_ERRORS.items()
} | {
    Fault.QUOTA: quota_used_up(),
    Fault.UNAUTHORIZED: unauthorized(),
    Fault.BAD_REQUEST: RequestError("Invalid request.", code="invalid_request"),
    Fault.FORBIDDEN: RequestError("You are not allowed to use this.", status=403),
    Fault.NOT_FOUND: RequestError("No such model.", status=404, code="model_not_found"),
    Fault.UNPROCESSABLE: RequestError("Unprocessable request.", status=422),
    Fault.REFUSE: RequestError(
        "The request was refused by the content policy of this teacher.",
        param="prompt",
        code="content_policy_violation",
    ),
}


def stands_alone(fault: Fault) -> bool:
    """Whether a fault is a whole reply, so that no text has to be made (or used up) for it."""
    return fault in _WHOLE_REPLIES or fault in _RATE_LIMITS or fault in _ERRORS


def instead_of_reply(fault: Fault, settings: Settings, rng: Random, now_s: float) -> Plan:
    """The plan of a fault that stands alone; `now_s` is the Unix time."""
    if fault in _RATE_LIMITS:
        return _rate_limit(fault, settings.retry_after_s, rng, now_s)
    match fault:
        case Fault.HTML:
            return Plan(fault.value, 200, HTML_PAGE, ((b"content-type", b"text/html"),))
        case Fault.REDIRECT:
            return Plan(fault.value, 301, b"", ((b"location", ELSEWHERE),))
        case Fault.RESET_EARLY:
            return Plan(fault.value, 0, b"", delivery=Delivery.RESET_EARLY)
        case Fault.TIMEOUT:
            return Plan(fault.value, 0, b"", delivery=Delivery.HANG)
        case _:
            error = _ERRORS[fault]
            return Plan(fault.value, error.status, error.body())


def _rate_limit(fault: Fault, retry_after_s: float, rng: Random, now_s: float) -> Plan:
    if fault is Fault.RATE_LIMITED:
        variants = (
            Fault.RATE_LIMITED_SECONDS,
            Fault.RATE_LIMITED_DATE,
            Fault.RATE_LIMITED_JUNK,
        )
        fault = rng.choices(variants, weights=(5, 2, 1))[0]
    match fault:
        case Fault.RATE_LIMITED_SECONDS:
            wait = f"{retry_after_s:g}"
        case Fault.RATE_LIMITED_DATE:
            wait = formatdate(now_s + max(1.0, retry_after_s), usegmt=True)
        case Fault.RATE_LIMITED_JUNK:
            wait = rng.choice(JUNK_WAITS)
        case Fault.RATE_LIMITED_RESET:
            return Plan(fault.value, 429, rate_limited().body(), _used_up(retry_after_s))
        case _:
            return Plan(fault.value, 429, rate_limited().body())
    headers = ((b"content-type", b"application/json"), (b"retry-after", wait.encode()))
    return Plan(fault.value, 429, rate_limited().body(), headers)


def _used_up(reset_s: float) -> tuple[tuple[bytes, bytes], ...]:
    """A 429 that says when to come back in OpenAI's own headers only."""
    minutes, seconds = divmod(reset_s, 60)
    return (
        (b"content-type", b"application/json"),
        (b"x-ratelimit-remaining-requests", b"0"),
        (b"x-ratelimit-reset-requests", f"{minutes:.0f}m{seconds:g}s".encode()),
    )


def spoil_choices(fault: Fault | None, choices: Sequence[Choice], rng: Random) -> list[Choice]:
    """The choices with what the fault does to texts and finish reasons."""
    match fault:
        case Fault.EMPTY_CHOICES:
            return []
        case Fault.NULL_CONTENT:
            return [replace(choice, text=None) for choice in choices]
        case Fault.LENGTH:
            return [Choice(_part(choice.text, rng), "length") for choice in choices]
        case Fault.CONTENT_FILTER:
            return [Choice(_part(choice.text, rng), "content_filter") for choice in choices]
        case Fault.NUL:
            return [replace(choice, text=_with(choice.text, "\x00", rng)) for choice in choices]
        case Fault.SURROGATE | Fault.BAD_UTF8:
            return [
                replace(choice, text=_with(choice.text, SURROGATE_MARK, rng)) for choice in choices
            ]
        case _:
            return list(choices)


def _part(text: str | None, rng: Random) -> str:
    return (text or "")[: int(len(text or "") * rng.uniform(0.2, 0.9))]


def _with(text: str | None, mark: str, rng: Random) -> str:
    text = text or ""
    at = rng.randint(0, len(text))
    return text[:at] + mark + text[at:]


def spoil_usage(fault: Fault | None, usage: Usage, rng: Random) -> Usage | None:
    """No usage, or one that cannot be true."""
    if fault is Fault.NO_USAGE:
        return None
    if fault is Fault.ABSURD_USAGE:
        tokens = rng.choice(ABSURD_TOKENS)
        return Usage(tokens, tokens, tokens)
    return usage


def spoil_plan(fault: Fault | None, plan: Plan, settings: Settings, rng: Random) -> Plan:
    """The reply with what the fault does to its bytes, its wait or its sending."""
    body = plan.body
    match fault:
        case Fault.TRUNCATED:
            return replace(plan, body=body[: rng.randint(1, max(1, len(body) - 2))])
        case Fault.HUGE:
            return replace(plan, body=_huge(body, settings.huge_mib))
        case Fault.GZIP_BOMB:
            headers = (*plan.headers, (b"content-encoding", b"gzip"))
            return replace(plan, body=_gzip_bomb(body), headers=headers)
        case Fault.BAD_UTF8:
            return replace(plan, body=body.replace(SURROGATE_MARK.encode(), b"\xff\xfe"))
        case Fault.SURROGATE:
            return replace(plan, body=body.replace(SURROGATE_MARK.encode(), b"\\ud800"))
        case Fault.RESET:
            return replace(plan, delivery=Delivery.RESET_MIDWAY)
        case Fault.DRIP:
            return replace(plan, delivery=Delivery.DRIP)
        case Fault.LATE:
            return replace(plan, wait_s=plan.wait_s + settings.late_s)
        case _:
            return plan


def _huge(body: bytes, mebibytes: int) -> bytes:
    """Still valid JSON: the object with one more member of that size."""
    filler = b"word " * (mebibytes * 1024 * 1024 // 5)
    return body[:-1] + b',"filler":"' + filler + b'"}'


def _gzip_bomb(body: bytes) -> bytes:
    """Valid JSON again, of 256 MiB when unpacked and some 300 KiB on the wire.

    Packed at once it would hold up every other call for a second; packed pieces can be repeated.
    """
    head, piece, tail = body[:-1] + b",", b" " * _PIECE_BYTES, b'"filler":0}'
    pieces = GZIP_BOMB_BYTES // _PIECE_BYTES
    checksum = zlib.crc32(head)
    for _ in range(pieces):
        checksum = zlib.crc32(piece, checksum)
    checksum = zlib.crc32(tail, checksum)
    length = len(head) + pieces * _PIECE_BYTES + len(tail)
    packed = _packed(head) + _packed(piece) * pieces + _packed(tail, zlib.Z_FINISH)
    return _GZIP_HEAD + packed + struct.pack("<II", checksum, length & 0xFFFFFFFF)


def _packed(data: bytes, end: int = zlib.Z_FULL_FLUSH) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush(end)
