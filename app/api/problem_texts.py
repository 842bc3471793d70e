"""What a problem's `type` leads to: a sentence on each code that the service gives."""

from collections.abc import Mapping

from fastapi import APIRouter
from pydantic import BaseModel

from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.errors import NotFound

router = APIRouter(prefix="/problems", tags=["problems"], route_class=StrictRoute)

TEXTS: Mapping[str, str] = {
    "already_exists": "The same was stored a moment ago by another request; look it up.",
    "blank": "A text that must say something is empty or cannot be seen.",
    "body_timeout": "Nothing of the body came for too long; send the request again.",
    "budget_invalid": "The budget must be a whole number of micro-USD within the limits.",
    "compressed_or_binary": "Plain text is wanted; unpack the file or save it as text.",
    "conflicting_options": "Two options exclude each other; the detail names them.",
    "control_character": "Control characters other than tab and line ends are not allowed.",
    "cross_site": "Another web site sent the request; send it from a page of ours or with a key.",
    "cursor_invalid": "A cursor is the `next` of an earlier page of the same list.",
    "damaged_document": "The document cannot be opened; save it anew with the program it is of.",
    "decompression_limit": "A compressed file unfolds to far more than its size; send it plain.",
    "digest_mismatch": "The body is not what its Content-Digest says; it was changed on its way.",
    "document_bomb": "Reading the document would take too much time or memory; send parts of it.",
    "document_too_long": "The document has too many pages or too much text; send parts of it.",
    "duplicate_key": "An object names a key twice; keep one.",
    "duplicate_row": "A row of the file repeats an earlier one; `dedupe=true` keeps the first.",
    "empty_upload": "The file holds no rows.",
    "encrypted_document": "The document asks for a password; save it without one.",
    "headers_too_large": "The header fields of the request are too long or too many.",
    "idempotency_key_invalid": "An Idempotency-Key has 1 to 255 printable characters.",
    "idempotency_key_required": "Here each request that creates needs an Idempotency-Key.",
    "idempotency_key_reused": "The key came with another body before; use a new one.",
    "in_use": "Something else depends on it; the detail says what to end or delete first.",
    "insecure_address": "The service can be reached by others there, without TLS or without keys.",
    "insufficient_storage": "A disk is full; nothing was stored.",
    "internal": "A fault of the service; report it with the id of the request.",
    "invalid_document": "The document cannot be read; `errors` names the lines.",
    "invalid_input": "Several fields cannot be used; `errors` names each.",
    "invalid_state": "The thing stands in a state that does not allow this.",
    "invalid_upload": "Some lines of the file cannot be used; `errors` names each.",
    "json_syntax": "The text is not JSON at the named place.",
    "key_format": "A key is given bare: printable ASCII, no spaces, no Bearer.",
    "key_reentry_required": "A stored key is not sent to another host; give it again.",
    "line_too_long": "A line of the file is longer than a mebibyte.",
    "lone_surrogate": "An escape is half of a surrogate pair; no text can hold it.",
    "looks_like_json_not_jsonl": "The file is one JSON value; write one object a line.",
    "malformed_request": "The request could not be read.",
    "method_not_allowed": "The address exists but not for this method; see Allow.",
    "misdirected_request": "The Host is none of the service's names; CULTIVAR_HOSTS adds some.",
    "missing_field": "A field that is required is absent.",
    "missing_placeholder": "A prompt text lacks a placeholder that its step needs.",
    "missing_scope": "The key is good, and does not allow this; the detail names the scope.",
    "name_taken": "Names are unique; choose another.",
    "no_text": "The document holds no words; pictures of text need text recognition first.",
    "not_acceptable": "The address does not answer in any type that Accept names.",
    "not_an_object": "A JSON object in curly braces is wanted.",
    "not_found": "There is no such thing.",
    "not_utf8": "The text is not UTF-8.",
    "nothing_to_retry": "No call of the job has failed.",
    "nul_character": "A text holds no NUL characters; the file may be no text at all.",
    "number_out_of_range": "Integers have 64 bits, other numbers are finite.",
    "out_of_range": "A number lies outside the limits that the detail states.",
    "price_required": "The teacher has no prices, so no budget can hold; 0 means free.",
    "provider_check_failed": "The teacher did not answer as asked; `stage` says how far it came.",
    "provider_url_refused": "The teacher's address breaks a rule that the detail names.",
    "range_not_satisfiable": "One range within the file may be asked for at a time.",
    "rate_limited": "Too much for now; Retry-After says when to come back.",
    "temporarily_unavailable": "The service cannot do it now; ask again after Retry-After.",
    "too_deep": "The JSON is nested too deeply.",
    "too_large": "The body is over the limit that the detail states.",
    "too_long": "A text is over the limit that the detail states, or cannot be shown.",
    "too_many_keys": "An object has too many keys.",
    "too_many_lines": "The file has more lines than one set may hold; split it.",
    "unauthenticated": "A key is needed: Authorization: Bearer KEY. See docs/security.md.",
    "unknown_base_model": "Base models are those that the operator listed, by name.",
    "unknown_field": "A field or parameter is not known; the detail names the nearest.",
    "unfit_container": "This format cannot be written into that kind of file.",
    "unfit_shards": "This format is always one file.",
    "unknown_filter": "There is no such filter; see /v1/filters.",
    "unknown_format": "There is no such export format; see /v1/formats.",
    "unknown_language": "Rows in that language cannot be told from others; give a tag such as de.",
    "unknown_method": "There is no such method; see /v1/methods.",
    "unknown_placeholder": "A prompt text names a placeholder that its step does not have.",
    "unknown_profile": "The method has no such profile; see /v1/methods.",
    "unknown_step": "The method has no prompt text of that name; see /v1/methods.",
    "unsafe_base_model": "The base model brings code or pickles, which are never run.",
    "unsupported_charset": "The body must be UTF-8.",
    "unsupported_media_type": "The body's Content-Type is not taken here; the detail lists those.",
    "url_too_long": "The address of the request is too long.",
    "wrong_type": "A value is of the wrong type, or not among those allowed.",
}


class ProblemTextOut(BaseModel):
    """What a code means."""

    code: str
    text: str


@router.get("/{code}", response_model=ProblemTextOut, responses=problems(404))
async def explain_problem(code: str) -> ProblemTextOut:
    """What a problem report's code means, and what to do."""
    name = code.replace("-", "_")
    if name not in TEXTS:
        raise NotFound(f"There is no problem {code[:80]}.")
    return ProblemTextOut(code=name, text=TEXTS[name])
