"""Files that are not JSONL of seeds, and good ones with a bad description."""

import gzip
from collections.abc import Iterator
from typing import Any

from tests.api.bad_request import GOOD, JSONL, Bad, bad_line, upload
from tests.sandbox.pdf_files import encrypted_pdf
from tests.sandbox.pdf_files import pdf as pdf_file


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


def documents() -> Iterator[Bad]:
    """Documents that cannot be read, and good ones with a bad description."""
    text, pdf = {"content-type": "text/markdown"}, {"content-type": "application/pdf"}

    def document(id: str, body: bytes, status: int, code: str, **more: Any) -> Bad:
        query, headers = more.pop("query", "name=bad"), more.pop("headers", text)
        where = f"/v1/document-sets/{{documents}}/documents?{query}"
        return Bad(f"document: {id}", status, code, "POST", where, body, headers, **more)

    latin = b"fine\ncaf\xe9"
    says = ('"line":2', '"column":4')
    yield document("Latin-1", latin, 422, "invalid_document", inner="not_utf8", says=says)
    wide = "tea".encode("utf-16")
    yield document("UTF-16", wide, 422, "invalid_document", inner="not_utf8", says=("UTF-16",))
    yield document("NUL", b"a\nb\0", 422, "invalid_document", inner="nul_character")
    yield document("encrypted", encrypted_pdf(), 422, "encrypted_document", headers=pdf)
    yield document("damaged", b"%PDF-1.7\n", 422, "damaged_document", headers=pdf)
    yield document("pictures", pdf_file(["", ""]), 422, "no_text", headers=pdf)
    yield document("empty", b"", 422, "no_text", headers=pdf)
    yield document("PDF as text", b"%PDF-1.7\n", 415, "compressed_or_binary")
    yield document("zip as PDF", b"PK\x03\x04", 415, "compressed_or_binary", headers=pdf)
    yield document("too large", b" " * ((2 << 20) + 1), 413, "too_large")
    for kind in ("application/zip", "application/octet-stream", "multipart/form-data"):
        headers = {"content-type": kind}
        yield document(f"type {kind}", GOOD, 415, "unsupported_media_type", headers=headers)
    charset = {"content-type": "text/plain; charset=latin-1"}
    yield document("charset", GOOD, 415, "unsupported_charset", headers=charset)
    packed = text | {"content-encoding": "gzip"}
    yield document("compressed", GOOD, 415, "compressed_or_binary", headers=packed)
    yield document("no name", GOOD, 422, "missing_field", query="")
    yield document("blank name", GOOD, 422, "blank", query="name=%20")
    yield document("long name", GOOD, 422, "too_long", query=f"name={'x' * 201}")
    yield document("NUL in the name", GOOD, 422, "too_long", query="name=a%00")
    for size in ("0", "199", "16001", str(1 << 70)):
        query = f"name=a&chunk_characters={size}"
        yield document(f"chunks of {size}", GOOD, 422, "out_of_range", query=query)
    yield document("name in use", GOOD, 409, "name_taken", query="name=tea.txt")


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
