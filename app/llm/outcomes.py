"""What a status and a body mean: the outcome of a call that came back, and the teacher's words."""

from typing import cast

from app.llm.replies import has_answer, parse_body
from app.llm.teacher import Endpoint, Outcome

_NO_MONEY = frozenset(
    {
        "insufficient_quota",
        "insufficient_balance",
        "insufficient_funds",
        "insufficient_credits",
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_balance_too_low",
    }
)
_NO_ACCESS = frozenset({"invalid_api_key", "model_not_found", "account_deactivated"})
_TEXT_BYTES = 8_000
_MESSAGE_FIELDS = ("message", "detail", "error", "msg", "title")


def outcome_of(status: int, raw: bytes, endpoint: Endpoint) -> Outcome:
    """Judge a whole reply by its status, and a success or a refusal by its body too."""
    if 200 <= status < 300:
        return Outcome.ANSWERED if has_answer(endpoint, raw) else Outcome.UNREADABLE
    return outcome_of_status(status, raw)


def outcome_of_status(status: int, raw: bytes) -> Outcome:
    """Judge an answer that is no success, whatever was asked."""
    if 300 <= status < 400:
        return Outcome.REDIRECTED
    if status >= 500 or status in (408, 409, 425):
        return Outcome.SERVER_ERROR
    return _refusal(status, error_codes(raw))


def outcome_of_code(code: str | None) -> Outcome:
    """Judge a failure of which only its name is known, such as one in a batch's error file."""
    name = (code or "").lower()
    if name in _NO_MONEY:
        return Outcome.QUOTA
    if name in _NO_ACCESS:
        return Outcome.UNAUTHORIZED
    return Outcome.RATE_LIMITED if "limit_exceeded" in name else Outcome.SERVER_ERROR


def error_codes(raw: bytes) -> frozenset[str]:
    """The machine-readable names in an error body: OpenAI's `code` and `type`."""
    error = _error_members(raw)
    names = (error.get("code"), error.get("type"))
    return frozenset(name.lower() for name in names if isinstance(name, str))


def error_text(status: int, raw: bytes) -> str:
    """The provider's own message where there is one, else the beginning of the body."""
    error = _error_members(raw)
    for name in _MESSAGE_FIELDS:
        value = error.get(name)
        if isinstance(value, str) and value.strip():
            return value
    text = raw[:_TEXT_BYTES].decode("utf-8", "replace").strip()
    return text or f"HTTP status {status} and an empty body."


def _refusal(status: int, codes: frozenset[str]) -> Outcome:
    if codes & _NO_MONEY or status == 402:
        return Outcome.QUOTA
    if codes & _NO_ACCESS or status in (401, 403, 404):
        return Outcome.UNAUTHORIZED
    return Outcome.RATE_LIMITED if status == 429 else Outcome.REFUSED


def _error_members(raw: bytes) -> dict[str, object]:
    """The object that describes the error: under `error`, or the body itself."""
    body = parse_body(raw) or {}
    error = body.get("error")
    return cast("dict[str, object]", error) if isinstance(error, dict) else body
