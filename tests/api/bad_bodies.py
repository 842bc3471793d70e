"""Bodies that cannot be read, and fields that cannot be."""

import gzip
from collections.abc import Iterator
from typing import Any

from tests.api.bad_request import JSON, Bad, job, sent, teacher


def fields_of_document_sets() -> Iterator[Bad]:
    """Sets of documents as nobody can have them."""
    for id, body, code in (
        ("no name", {}, "missing_field"),
        ("blank name", {"name": " "}, "blank"),
        ("long name", {"name": "x" * 201}, "too_long"),
        ("name is a number", {"name": 5}, "wrong_type"),
        ("language", {"name": "a", "language": "English!"}, "wrong_type"),
        ("tokens", {"name": "a", "tokens": "words"}, "wrong_type"),
        ("unknown field", {"name": "a", "licens": "CC0"}, "unknown_field"),
    ):
        yield sent(f"document set: {id}", "/v1/document-sets", body, 422, code)


def bodies() -> Iterator[Bad]:
    """Bodies that are no JSON object, or one that nobody should send."""

    def raw(id: str, body: bytes, status: int, code: str, **more: Any) -> Bad:
        return sent(f"body: {id}", "/v1/jobs", body, status, code, **more)

    yield raw("broken JSON", b'{"a":\n 1 "b"}', 400, "json_syntax", says=('"line":2', '"column":4'))
    yield raw("cut off", b'{"a":', 400, "json_syntax", says=('"line":1',))
    yield raw("empty", b"", 400, "json_syntax")
    yield raw("a list", b"[]", 400, "not_an_object")
    yield raw("null", b"null", 400, "not_an_object")
    yield raw("a text", b'"x"', 400, "not_an_object")
    yield raw("not UTF-8", b'{"name": "\xff"}', 400, "not_utf8")
    yield raw("NaN", b'{"cap_calls": NaN}', 422, "number_out_of_range")
    yield raw("infinite", b'{"target_rows": 1e999}', 422, "number_out_of_range")
    yield raw("huge integer", b'{"target_rows": %s}' % (b"9" * 5000), 422, "number_out_of_range")
    yield raw("deep", b'{"options": %s}' % (b"[" * 100_000), 422, "too_deep")
    yield raw("duplicate key", b'{"name": "a", "name": "b"}', 422, "duplicate_key")
    yield raw("NUL", b'{"name": "a\\u0000"}', 422, "control_character")
    yield raw("lone surrogate", b'{"name": "\\udfff"}', 422, "lone_surrogate")
    yield raw("too large", b'{"name": "%s"}' % (b"x" * (1 << 20)), 413, "too_large")
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        headers = {"content-type": kind}
        yield raw(f"type {kind}", b"{}", 415, "unsupported_media_type", headers=headers)
    latin = {"content-type": "application/json; charset=latin-1"}
    yield raw("charset", b"{}", 415, "unsupported_charset", headers=latin)
    packed = JSON | {"content-encoding": "gzip"}
    yield raw(
        "compressed", gzip.compress(b"{}", mtime=0), 415, "compressed_or_binary", headers=packed
    )


def fields_of_jobs() -> Iterator[Bad]:
    """Jobs with fields that cannot be."""
    near = ("/target_row", "did you mean target_rows?")
    yield job("unknown field", {"target_row": 3}, "unknown_field", says=near)
    yield job("missing field", {"target_rows": None}, "missing_field", says=("/target_rows",))
    for value in (0, -1, 10**9):
        yield job(f"target {value}", {"target_rows": value}, "out_of_range", says=("10,000,000",))
    for value in ("5", 5.5, True, [5]):
        yield job(f"target {value!r}", {"target_rows": value}, "wrong_type", says=("integer",))
    hot = {"propose_temperature": 9}
    yield job(
        "temperature", {"options": hot}, "out_of_range", says=("/options/propose_temperature",)
    )
    yield job("threshold", {"options": {"threshold": 2}}, "out_of_range", says=("0.3 to 1",))
    near = ("/options/thresold", "did you mean threshold?")
    yield job("unknown option", {"options": {"thresold": 0.7}}, "unknown_field", says=near)
    yield job("options a list", {"options": []}, "wrong_type", says=("/options",))
    for value in ("German", "tlh"):
        strange, says = {"row_language": value}, ("/options/row_language", "a tag such as de")
        yield job(f"rows in {value!r}", {"options": strange}, "unknown_language", says=says)
    everything = {"target_rows": 0, "options": {"threshold": 2}, "cap_micro_usd": -1, "nme": "x"}
    named = ("/target_rows", "/options/threshold", "/cap_micro_usd", "/nme")
    yield job("all at once", everything, "invalid_input", says=named)
    yield job("method", {"method": "alchemy"}, "unknown_method", says=("self_instruct",))
    yield job("profile", {"profile": "papr"}, "unknown_profile", says=("paper",))
    for value in (-1, "much", 1.5, 10**16):
        yield job(f"budget {value!r}", {"cap_micro_usd": value}, "budget_invalid")
    infinite = b'{"seed_set_id": "{seed_set}", "cap_micro_usd": 1e999}'
    yield sent("budget 1e999", "/v1/jobs", infinite, 422, "budget_invalid")
    near = ("/filters/refussal", "did you mean refusal?")
    yield job("filter", {"filters": {"refussal": True}}, "unknown_filter", says=near)
    limits = {"repetition_loop": {"times": 1}}
    yield job("filter limit", {"filters": limits}, "out_of_range", says=("from 2 to 1000",))
    yield job("filters a list", {"filters": ["link"]}, "wrong_type", says=("/filters",))
    nowhere = {"evaluation_set_ids": ["{unknown}"]}
    where = ("/decontamination/evaluation_set_ids/0",)
    yield job("evaluation set", {"decontamination": nowhere}, "not_found", says=where)
    nothing = {"evaluation_set_ids": []}
    yield job("no evaluation set", {"decontamination": nothing}, "blank")
    yield job("ngram", {"decontamination": {**nowhere, "ngram": 2}}, "out_of_range")
    yield job("cap of calls", {"cap_calls": 0}, "out_of_range")
    yield job("random seed", {"random_seed": -1}, "out_of_range")
    yield job("tokens", {"tokens": "bytes"}, "wrong_type")
    yield job("long name", {"name": "x" * 201}, "too_long")
    yield job("name with an escape", {"name": "a\nb"}, "too_long")
    yield job("no price", {"teacher_id": "{priceless_teacher}"}, "price_required")
    yield job("no batch price", {"delivery": "batch"}, "price_required")
    yield job("no such delivery", {"delivery": "pigeon"}, "wrong_type")
    for value in ("{unknown}", "x", ""):
        yield job(f"seed set {value!r}", {"seed_set_id": value}, "not_found", says=("seed set",))
    yield job("teacher", {"teacher_id": "{unknown}"}, "not_found")
    bad = {"target_rows": 0, "cap_micro_usd": -1, "state": "succeeded"}
    yield sent("change", "/v1/jobs/{job}", bad, 422, "invalid_input", method="PATCH")
    yield sent("retry what", "/v1/jobs/{job}/retry", {"only": "all"}, 422, "wrong_type")


def prompts_of_jobs() -> Iterator[Bad]:
    """Jobs with prompt texts that cannot be."""
    steps = ("/prompts/propos", "did you mean propose?", "classify.system")
    yield job("prompt of no step", {"prompts": {"propos": "x"}}, "unknown_step", says=steps)
    needed = ("{{tasks}} must be in it", "{{next}}, {{last}}")
    lacking = {"prompts": {"propose": "Go on."}}
    yield job("prompt without tasks", lacking, "missing_placeholder", says=needed)
    clever = {"prompts": {"propose": "{{tasks}} {{tasks.__class__}}"}}
    yield job("prompt with an attribute", clever, "unknown_placeholder", says=needed[1:])
    # So long that its ids are not filled in, so that they are told of as well.
    long = {"prompts": {"propose": "x" * 20_001}}
    yield job("long prompt", long, "invalid_input", says=("/prompts/propose", "at most 20,000"))
    yield job("blank prompt", {"prompts": {"propose": " "}}, "blank", says=needed[1:])
    yield job("prompts a list", {"prompts": []}, "wrong_type", says=("/prompts",))
    yield job("prompt a number", {"prompts": {"propose": 1}}, "wrong_type", says=("/propose",))


def fields_of_teachers() -> Iterator[Bad]:
    """Teachers with fields that cannot be."""
    for url in (
        "teacher.example",
        "ftp://teacher.example/v1",
        "https://",
        "https://user:secret@teacher.example/v1",
        "https://teacher.example/v1#part",
        "https://teacher.example/v1?key=secret",
        "https://teacher.example:99999/v1",
        "https://teacher.example/v 1",
        "https://[::1/v1",
    ):
        yield teacher(f"base_url {url}", {"base_url": url}, "provider_url_refused")
    for url, rule in (
        ("https://169.254.169.254/v1", "metadata_address"),
        ("https://[::ffff:10.0.0.5]/v1", "translated_address"),
        ("http://10.0.0.5:8000/v1", "private_address"),
        ("https://2130706433/v1", "ambiguous_host"),
        ("http://93.184.216.34/v1", "not_https"),
        ("http://127.0.0.1:8000/v1", "own_port"),
    ):
        says = (f"rule {rule}",)
        yield teacher(f"base_url {url}", {"base_url": url}, "provider_url_refused", says=says)
        changed = {"base_url": url, "api_key": None}
        path = "/v1/teachers/{teacher}"
        more: dict[str, Any] = {"method": "PATCH", "says": says}
        yield sent(f"move to {url}", path, changed, 422, "provider_url_refused", **more)
    for key in ("", "Bearer sk-canary-x", "sk-canary x", "sk-canary\n", "sk-canaryä", 5):
        yield teacher(f"key {key!r}", {"api_key": key}, "key_format")
    yield teacher("blank name", {"name": " "}, "blank")
    yield teacher("taken numbers", {"max_concurrency": 0}, "out_of_range", says=("10,000",))
    yield teacher("tokens per minute", {"tokens_per_minute": 10**10}, "out_of_range")
    yield teacher("price", {"input_micro_usd_per_million": -1}, "out_of_range")
    yield teacher("endpoint", {"endpoint": "images"}, "wrong_type", says=("chat",))
    yield teacher("unknown field", {"api_kye": "sk-canary"}, "unknown_field", says=("api_key",))
    yield teacher("extra body", {"extra_body": []}, "wrong_type")
    path = "/v1/teachers/{teacher}/test"
    yield Bad(
        "teacher is away", 422, "provider_check_failed", "POST", path, says=('"stage":"tcp"',)
    )
    taken = {"name": "gardener", "base_url": "https://teacher.example/v1", "model": "m"}
    yield sent("name taken", "/v1/teachers", taken, 409, "name_taken")
