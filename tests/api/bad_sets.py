"""Labelled rows, templates and evaluation sets that cannot be, and trainings of nothing."""

import gzip
from collections.abc import Iterator
from typing import Any

from tests.api.bad_request import GOOD, JSONL, Bad, sent
from tests.domain.template_text import one_template

CSV = {"content-type": "text/csv"}


def labelled_sets() -> Iterator[Bad]:
    """Tables and lines that are no labelled rows."""

    def rows(id: str, body: bytes, status: int, code: str, **more: Any) -> Bad:
        where = f"/v1/labelled-sets?{more.pop('query', 'name=bad')}"
        headers = more.pop("headers", CSV)
        return Bad(f"labelled rows: {id}", status, code, "POST", where, body, headers, **more)

    def bad_row(id: str, body: bytes, inner: str, **more: Any) -> Bad:
        return rows(id, body, 422, "invalid_upload", inner=inner, **more)

    yield rows("empty", b"", 422, "empty_upload")
    yield rows("only a header", b"a,b\n", 422, "empty_upload")
    yield rows("a list of nothing", b"[]", 422, "empty_upload", headers=JSONL)
    yield bad_row("ragged", b"a,b\n1,2\n3\n", "column_count", says=('"line":3',))
    yield bad_row("no end of a quote", b'a,b\n1,2\n3,"x\n', "csv_syntax", says=('"line":3',))
    yield bad_row("broken header", b"a\rb,c\n1,2\n", "csv_syntax", says=('"line":1',))
    yield bad_row("columns", b",".join(b"c%d" % at for at in range(257)), "too_many_columns")
    yield bad_row("a column twice", b"a,a\n1,2\n", "duplicate_key")
    yield bad_row("Latin-1", b"a,b\n1,caf\xe9\n", "not_utf8")
    yield bad_row("Latin-1 header", b"caf\xe9,b\n1,2\n", "not_utf8")
    yield bad_row("long line", b"a,b\n1," + b"x" * (1 << 20) + b"\n", "line_too_long")
    yield rows("UTF-16", "a,b\n1,2\n".encode("utf-16"), 415, "not_utf8")
    yield bad_row("line is no JSON", b'{"a": 1}\n{"a" 1}\n', "json_syntax", headers=JSONL)
    yield bad_row("line is a list", b'{"a": 1}\n[1]\n', "not_an_object", headers=JSONL)
    json = {"content-type": "application/json"}
    yield bad_row("broken list", b'[{"a": 1}, {"a"]', "json_syntax", headers=json)
    yield bad_row("item is a number", b"[1]", "not_an_object", headers=json)
    parquet = {"content-type": "application/vnd.apache.parquet"}
    for name, magic in {
        "pdf": b"%PDF-1.7\n",
        "zip": b"PK\x03\x04",
        "parquet": b"PAR1xxPAR1",
    }.items():
        yield rows(f"{name}", magic, 415, "compressed_or_binary", headers=parquet)
    bomb = gzip.compress(b"[" + b" " * (64 << 20) + b"]", mtime=0)
    yield rows("bomb", bomb, 413, "decompression_limit", headers=json)
    yield rows("half of gzip", gzip.compress(GOOD)[:-9], 415, "compressed_or_binary", headers=json)
    yield rows("too large", b" " * (2 << 20) + b"\n", 413, "too_large", says=("2,097,152",))
    yield rows("type", b"a\n1\n", 415, "unsupported_media_type", headers={"content-type": "a/b"})
    yield rows("no name", b"a\n1\n", 422, "missing_field", query="")
    yield rows("NUL in the name", b"a\n1\n", 422, "control_character", query="name=a%00")
    yield rows("language", b"a\n1\n", 422, "wrong_type", query="name=a&language=!")


def template_sets() -> Iterator[Bad]:
    """Files of templates that cannot be used."""
    yaml = {"content-type": "application/yaml"}

    def file(id: str, text: str, inner: str) -> Bad:
        where = "/v1/template-sets"
        name = f"templates: {id}"
        return Bad(name, 422, "invalid_upload", "POST", where, text.encode(), yaml, inner)

    yield file("empty", "", "empty_upload")
    yield file("broken", "a: [", "yaml_syntax")
    yield file("deep", "[" * 100_000, "too_deep")
    yield file("an alias of itself", "a: &a [*a]\n", "missing_field")
    laughs = "a0: &a0 [x]\n" + "".join(
        f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]\n" for at in range(1, 12)
    )
    yield file("a billion laughs", laughs, "missing_field")
    yield file("a tag", one_template(jinja="!!python/name:os.system x"), "unknown_tag")
    yield file("Jinja", one_template(jinja="'{% if %} ||| x'"), "jinja_syntax")


def evaluation_sets() -> Iterator[Bad]:
    """Files that nobody can be measured by."""

    def items(id: str, body: bytes, status: int, code: str, **more: Any) -> Bad:
        where = "/v1/evaluation-sets?name=bad"
        return Bad(f"evaluation: {id}", status, code, "POST", where, body, JSONL, **more)

    yield items("empty", b"", 422, "empty_upload")
    yield items("broken", GOOD + b"{\n", 422, "invalid_upload", inner="json_syntax")
    yield items("no instruction", b"{}\n", 422, "invalid_upload", inner="missing_field")
    yield items("NUL", b'{"instruction": "\\u0000"}\n', 422, "invalid_upload")
    yield items("gzip", gzip.compress(GOOD, mtime=0), 415, "compressed_or_binary")
    yield items("too large", b" " * (2 << 20) + b"\n", 413, "too_large")


def trainings() -> Iterator[Bad]:
    """Trainings on nothing."""
    body = {"export_id": "{ready_export}", "base_model": "../../etc"}
    path = "/v1/training-runs"
    yield sent("base model not listed", path, body, 422, "unknown_base_model")
    yield sent("export of nothing", path, {**body, "export_id": "x"}, 404, "not_found")
    yield sent("unknown member", path, {**body, "trust_remote_code": True}, 422, "unknown_field")
