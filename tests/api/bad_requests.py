"""The table of bad requests: what is sent, and the status and code that must come back."""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

JSONL = {"content-type": "application/x-ndjson"}
JSON = {"content-type": "application/json"}
GOOD = b'{"instruction": "Name a river."}\n'


@dataclass(frozen=True)
class Bad:
    """One bad request; `{names}` in path and body are filled from the world of the test.

    `code` is the report's, `inner` the code of its first error, `says` words of the answer.
    """

    id: str
    status: int
    code: str
    method: str = "GET"
    path: str = "/v1/jobs"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    inner: str | None = None
    says: tuple[str, ...] = ()


def upload(
    id: str, body: bytes, status: int = 422, code: str = "invalid_upload", **more: Any
) -> Bad:
    """A bad file."""
    path = f"/v1/seed-sets?name=bad{more.pop('query', '')}"
    headers = more.pop("headers", JSONL)
    return Bad(id, status, code, "POST", path, body, headers, **more)


def bad_line(id: str, line: bytes, inner: str, **more: Any) -> Bad:
    """A file whose second line is bad."""
    return upload(id, GOOD + line + b"\n", inner=inner, **more)


def sent(id: str, path: str, body: object, status: int, code: str, **more: Any) -> Bad:
    """A bad JSON body, given as a value or as bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    method = more.pop("method", "POST")
    headers = more.pop("headers", JSON)
    return Bad(id, status, code, method, path, raw, headers, **more)


def job(id: str, changed: Mapping[str, object], code: str, **more: Any) -> Bad:
    """A job that is good but for what is changed (None leaves it out)."""
    body: dict[str, object] = {
        "seed_set_id": "{seed_set}",
        "teacher_id": "{teacher}",
        "target_rows": 5,
    }
    body |= changed
    kept = {name: value for name, value in body.items() if value is not None}
    return sent(id, "/v1/jobs", kept, 422, code, **more)


def teacher(id: str, changed: Mapping[str, object], code: str, **more: Any) -> Bad:
    """A teacher that is good but for what is changed."""
    body = {"name": "new", "base_url": "https://teacher.example/v1", "model": "m"}
    return sent(id, "/v1/teachers", {**body, **changed}, 422, code, **more)


def uploads() -> Iterator[Bad]:
    """Files that are not JSONL of seeds."""
    yield upload("empty file", b"", code="empty_upload")
    yield upload("blank lines", b"\n \n\r\n", code="empty_upload")
    yield upload("only a BOM", b"\xef\xbb\xbf", code="empty_upload")
    yield bad_line("line is not JSON", b'{"instruction" "x"}', "json_syntax", says=('"line":2',))
    yield bad_line("line is a list", b"[1]", "not_an_object")
    yield bad_line("line is a number", b"5", "not_an_object")
    yield bad_line("line is a text", b'"x"', "not_an_object")
    whole = "looks_like_json_not_jsonl"
    yield upload(
        "whole file is a list", b'[{"instruction": "a"},\n{"instruction": "b"}]', code=whole
    )
    yield upload("whole file is pretty-printed", b'{\n "instruction": "a"\n}', code=whole)
    yield bad_line("no instruction", b'{"output": "x"}', "missing_field")
    yield bad_line("empty instruction", b'{"instruction": ""}', "blank")
    yield bad_line("blank instruction", b'{"instruction": " \\t\\n"}', "blank")
    for name, value in {"number": b"5", "null": b"null", "list": b'["x"]'}.items():
        yield bad_line(f"instruction is a {name}", b'{"instruction": %s}' % value, "wrong_type")
    long = b'{"instruction": "%s"}' % (b"x" * 32_769)
    yield bad_line("field too long", long, "too_long", says=("32,768",))
    yield bad_line("line too long", b'{"instruction": "%s"}' % (b"x" * (1 << 20)), "line_too_long")
    deep = b'{"instruction": "x", "a": %s1%s}' % (b"[" * 40, b"]" * 40)
    yield bad_line("too deep", deep, "too_deep")
    bottomless = b'{"instruction": "x", "a": %s' % (b"[" * 200_000)
    yield bad_line("deeper than the stack", bottomless, "too_deep")
    keys = b",".join(b'"k%d": 1' % at for at in range(65))
    yield bad_line("too many keys", b'{"instruction": "x", %s}' % keys, "too_many_keys")
    for name, number in {
        "huge integer": b"9" * 5000,
        "NaN": b"NaN",
        "Infinity": b"Infinity",
        "infinite exponent": b"1e999",
    }.items():
        line = b'{"instruction": "x", "a": %s}' % number
        yield bad_line(f"number: {name}", line, "number_out_of_range")
    twice = b'{"instruction": "x", "instruction": "y"}'
    yield bad_line("duplicate key", twice, "duplicate_key", says=("columns 2 and 22",))
    yield bad_line("duplicate row", GOOD.strip(), "duplicate_row", says=("line 1",))
    yield bad_line("not UTF-8: Latin-1", b'{"instruction": "caf\xe9"}', "not_utf8")
    wide = '{"instruction": "x"}\n'.encode("utf-16")
    yield upload("not UTF-8: UTF-16", wide, code="not_utf8")
    yield bad_line("NUL", b'{"instruction": "a\\u0000b"}', "control_character")
    yield bad_line("control character", b'{"instruction": "a\\u0007b"}', "control_character")
    yield bad_line("lone surrogate", b'{"instruction": "a\\ud800b"}', "lone_surrogate")
    for name, magic in {
        "gzip": gzip.compress(GOOD),
        "zip": b"PK\x03\x04" + b"\x00" * 40,
        "parquet": b"PAR1" + b"\x00" * 40,
        "pdf": b"%PDF-1.7\n",
        "png": b"\x89PNG\r\n\x1a\n" + b"\x00" * 40,
    }.items():
        yield upload(f"binary: {name}", magic, 415, "compressed_or_binary")
    encoded = JSONL | {"content-encoding": "gzip"}
    yield upload("content encoding", GOOD, 415, "compressed_or_binary", headers=encoded)
    yield upload("too many lines", GOOD + b"\n" * 1_000_001, 413, "too_many_lines")
    yield upload("too large", b" " * (2 << 20) + b"\n", 413, "too_large", says=("2,097,152",))
    for kind in ("text/plain", "application/json", "multipart/form-data", "text/csv"):
        headers = {"content-type": kind}
        yield upload(f"type {kind}", GOOD, 415, "unsupported_media_type", headers=headers)
    latin = {"content-type": "application/x-ndjson; charset=latin-1"}
    yield upload("charset", GOOD, 415, "unsupported_charset", headers=latin)
    digest = JSONL | {"content-digest": "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"}
    yield upload("digest mismatch", GOOD, 400, "digest_mismatch", headers=digest)
    garbled = JSONL | {"content-digest": "sha-256=:A:"}
    yield upload("digest unreadable", GOOD, 400, "digest_mismatch", headers=garbled)
    yield upload("skip leaves nothing", b"{}\n[]\n", query="&on_error=skip")


def descriptions_of_uploads() -> Iterator[Bad]:
    """Good files with a bad description."""

    def described(id: str, query: str, code: str, status: int = 422) -> Bad:
        return Bad(id, status, code, "POST", f"/v1/seed-sets?{query}", GOOD, JSONL)

    yield described("no name", "language=en", "missing_field")
    yield described("blank name", "name=%20", "blank")
    yield described("long name", f"name={'x' * 201}", "too_long")
    yield described("NUL in name", "name=a%00b", "control_character")
    yield described("name not UTF-8", "name=%ff", "not_utf8", 400)
    yield described("language", "name=a&language=klingon!", "wrong_type")
    yield described("tokens", "name=a&tokens=bytes", "wrong_type")
    yield described("on_error", "name=a&on_error=ignore", "wrong_type")
    yield described("dedupe", "name=a&dedupe=perhaps", "wrong_type")
    yield described("unknown parameter", "name=a&licens=cc0", "unknown_field")


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
    yield raw("compressed", gzip.compress(b"{}"), 415, "compressed_or_binary", headers=packed)


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
    everything = {"target_rows": 0, "options": {"threshold": 2}, "cap_micro_usd": -1, "nme": "x"}
    named = ("/target_rows", "/options/threshold", "/cap_micro_usd", "/nme")
    yield job("all at once", everything, "invalid_input", says=named)
    yield job("method", {"method": "alchemy"}, "unknown_method", says=("self_instruct",))
    yield job("profile", {"profile": "papr"}, "unknown_profile", says=("paper",))
    for value in (-1, "much", 1.5, 10**16):
        yield job(f"budget {value!r}", {"cap_micro_usd": value}, "budget_invalid")
    infinite = b'{"seed_set_id": "{seed_set}", "cap_micro_usd": 1e999}'
    yield sent("budget 1e999", "/v1/jobs", infinite, 422, "budget_invalid")
    yield job("cap of calls", {"cap_calls": 0}, "out_of_range")
    yield job("random seed", {"random_seed": -1}, "out_of_range")
    yield job("tokens", {"tokens": "bytes"}, "wrong_type")
    yield job("long name", {"name": "x" * 201}, "too_long")
    yield job("name with an escape", {"name": "a\nb"}, "too_long")
    yield job("no price", {"teacher_id": "{priceless_teacher}"}, "price_required")
    for value in ("{unknown}", "x", ""):
        yield job(f"seed set {value!r}", {"seed_set_id": value}, "not_found", says=("seed set",))
    yield job("teacher", {"teacher_id": "{unknown}"}, "not_found")
    bad = {"target_rows": 0, "cap_micro_usd": -1, "state": "succeeded"}
    yield sent("change", "/v1/jobs/{job}", bad, 422, "invalid_input", method="PATCH")
    yield sent("retry what", "/v1/jobs/{job}/retry", {"only": "all"}, 422, "wrong_type")


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


def ids_and_pages() -> Iterator[Bad]:
    """Ids that name nothing, and cursors that we did not give."""
    for family in ("seed-sets", "teachers", "jobs", "rows", "exports"):
        for given in ("{unknown}", "x", "%00", "..%2f..%2fetc%2fpasswd", "1" * 300):
            yield Bad(f"{family} {given[:9]}", 404, "not_found", path=f"/v1/{family}/{given}")
    for family in ("seed-sets", "teachers", "jobs", "exports"):
        path = f"/v1/{family}/{{unknown}}"
        yield Bad(f"delete of {family}", 404, "not_found", "DELETE", path)
    yield Bad("lineage of no row", 404, "not_found", path="/v1/rows/{unknown}/lineage")
    for part in ("events", "calls", "candidates", "rows"):
        yield Bad(f"{part} of no job", 404, "not_found", path=f"/v1/jobs/{{unknown}}/{part}")
    for action in ("pause", "resume", "cancel", "retry"):
        yield Bad(f"{action} no job", 404, "not_found", "POST", f"/v1/jobs/{{unknown}}/{action}")
        yield Bad(f"{action} bad id", 404, "not_found", "POST", f"/v1/jobs/x/{action}")
    yield Bad("rows of a bad id", 404, "not_found", path="/v1/rows?job_id=x")
    yield Bad("rows of no job", 404, "not_found", path="/v1/rows?job_id={unknown}")
    yield Bad("rows of what", 422, "missing_field", path="/v1/rows")
    yield Bad("method", 404, "not_found", path="/v1/methods/alchemy")
    lists = (
        "seed-sets", "seed-sets/{seed_set}/seeds", "teachers", "jobs", "jobs/{job}/calls",
        "jobs/{job}/candidates", "jobs/{job}/rows", "exports",
    )  # fmt: skip
    for path in lists:
        for limit in ("0", "1000000", "-1"):
            yield Bad(
                f"{path} limit {limit}", 422, "out_of_range", path=f"/v1/{path}?limit={limit}"
            )
        for cursor in ("x", "%00", "WyJqb2JzIl0", forged("jobs", 5, {}), "a" * 3000):
            where = f"/v1/{path}?cursor={cursor}"
            yield Bad(f"{path} cursor {cursor[:12]}", 422, "cursor_invalid", path=where)
    yield Bad("limit is no number", 422, "wrong_type", path="/v1/jobs?limit=x")
    kinds = {
        "seed-sets": forged("seed_sets", "a\x00"),
        "seed-sets/{seed_set}/seeds": forged("seeds", 1 << 70),
        "teachers": forged("teachers", None),
        "jobs": forged("jobs", ["x"]),
        "jobs/{job}/calls": forged("calls", "propose\x00", 0, 0),
        "jobs/{job}/candidates": forged("candidates", {"a": 1}),
        "jobs/{job}/rows": forged("rows", 0, 1.5),
        "exports": forged("exports", True),
    }
    for path, cursor in kinds.items():
        where = f"/v1/{path}?cursor={cursor}"
        yield Bad(f"{path} cursor well forged", 422, "cursor_invalid", path=where)
    odd = forged("calls", [], 0, 0)
    yield Bad(
        "call cursor with a list",
        422,
        "cursor_invalid",
        path=f"/v1/jobs/{{job}}/calls?cursor={odd}",
    )
    huge = forged("calls", "propose", 1 << 61, 1 << 61)
    yield Bad(
        "call cursor beyond int4",
        422,
        "cursor_invalid",
        path=f"/v1/jobs/{{job}}/calls?cursor={huge}",
    )
    huge = forged("rows", 1 << 61, 1 << 61)
    yield Bad(
        "row cursor beyond int4", 422, "cursor_invalid", path=f"/v1/jobs/{{job}}/rows?cursor={huge}"
    )
    yield Bad("state of jobs", 422, "wrong_type", path="/v1/jobs?state=done")
    yield Bad("state of calls", 422, "wrong_type", path="/v1/jobs/{job}/calls?state=lost")
    yield Bad("reason", 422, "wrong_type", path="/v1/jobs/{job}/candidates?reason=%00")
    yield Bad("sort", 422, "unknown_field", path="/v1/jobs?sort=name;drop")


def forged(*key: object) -> str:
    """A cursor in our own encoding."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def states() -> Iterator[Bad]:
    """Right content, wrong state."""
    for name, action in (
        ("succeeded", "pause"), ("succeeded", "resume"), ("succeeded", "cancel"),
        ("cancelled", "pause"), ("cancelled", "resume"), ("cancelled", "retry"), ("job", "x"),
    ):  # fmt: skip
        path = f"/v1/jobs/{{{name}}}/{action}"
        if action == "x":
            yield Bad("no such action", 404, "not_found", "POST", path)
        else:
            says = (name,)
            yield Bad(f"{action} {name}", 409, "invalid_state", "POST", path, says=says)
    only = {"only": "failed"}
    path = "/v1/jobs/{succeeded}/retry"
    yield sent("retry nothing", path, only, 409, "nothing_to_retry")
    for path in ("/v1/seed-sets/{seed_set}", "/v1/teachers/{teacher}"):
        yield Bad(f"delete {path[4:9]}", 409, "in_use", "DELETE", path, says=("{job}",))
    yield Bad("delete a live job", 409, "in_use", "DELETE", "/v1/jobs/{job}")
    yield Bad("export is queued", 409, "invalid_state", path="/v1/exports/{queued_export}/download")


def exports() -> Iterator[Bad]:
    """Exports that cannot be made, ranges that are not there."""

    def export(id: str, status: int, code: str, **changed: object) -> Bad:
        body = {"job_id": "{job}", "format": "alpaca", **changed}
        return sent(f"export: {id}", "/v1/exports", body, status, code)

    yield export("format", 422, "unknown_format", format="xlsx")
    yield export("format is a number", 422, "wrong_type", format=5)
    yield export("field", 422, "unknown_field", formt="alpaca")
    yield export("option", 422, "unknown_field", options={"with_ids": True})
    yield export("no job", 404, "not_found", job_id="{unknown}")
    yield export("bad job id", 404, "not_found", job_id="x")
    for given in (
        "bytes=0-1,3-4", "bytes=5-1", "bytes=99999-", "bytes=-0", "bytes=", "bytes=-", "bytes=a-b",
        "bytes=" + "0-0," * 1000 + "0-0", "bytes=" + "9" * 30 + "-",
    ):  # fmt: skip
        path, headers = "/v1/exports/{ready_export}/download", {"range": given}
        id = f"range {given[:14]}"
        yield Bad(id, 416, "range_not_satisfiable", path=path, headers=headers)


def http() -> Iterator[Bad]:
    """Requests that no address of ours takes."""
    yield Bad("unknown path", 404, "not_found", path="/v1/nothing")
    yield Bad("trailing slash", 404, "not_found", path="/v1/jobs/")
    yield Bad("method", 405, "method_not_allowed", "PUT", "/v1/jobs", says=("GET, POST",))
    yield Bad("accept", 406, "not_acceptable", headers={"accept": "image/png"})
    refused = {"accept": "application/json;q=0"}
    yield Bad("accept nothing", 406, "not_acceptable", headers=refused)
    yield Bad("long URL", 414, "url_too_long", path="/v1/jobs?cursor=" + "x" * 8200)
    yield Bad("long header", 431, "headers_too_large", headers={"x-long": "x" * 33_000})
    many = {f"x-{at}": "x" for at in range(101)}
    yield Bad("many headers", 431, "headers_too_large", headers=many)


FAMILIES = (
    uploads, descriptions_of_uploads, bodies, fields_of_jobs, fields_of_teachers, ids_and_pages,
    states, exports, http,
)  # fmt: skip
EVERY = [bad for family in FAMILIES for bad in family()]
