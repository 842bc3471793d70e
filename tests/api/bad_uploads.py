"""Files that are not JSONL of seeds, and good ones with a bad description."""

import gzip
from collections.abc import Iterator

from tests.api.bad_request import GOOD, JSONL, Bad, bad_line, upload


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
    for name, magic in {
        "gzip": gzip.compress(GOOD, mtime=0),
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


def lines() -> Iterator[Bad]:
    """Files with one line that cannot be used."""
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
