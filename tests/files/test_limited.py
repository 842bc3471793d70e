"""Row 14 of the security table: small files that unfold into large ones are given up in time."""

import gzip
import io
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.errors import InvalidUpload, NotText, TooLarge
from app.files.file_row import BadRow
from app.files.row_files import open_rows
from app.files.upload_limits import UploadLimits

LIMITS = UploadLimits(max_bytes=4 << 20, max_lines=1_000, max_line_bytes=1 << 16)
GROWTH_MIB = 64


def read(path: Path) -> list[Any]:
    with open_rows(path, LIMITS) as file:
        return list(file.rows)


def parquet_file(columns: dict[str, list[Any]]) -> bytes:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    target = io.BytesIO()
    parquet.write_table(arrow.table(columns), target)
    return target.getvalue()


def bomb() -> bytes:
    return gzip.compress(b'[{"a": "' + b"0" * (64 << 20) + b'"}]', compresslevel=6, mtime=0)


CASES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "a list of zeros, packed": ("x.json.gz", bomb, "decompression_limit"),
    "too many lines": ("x.jsonl", lambda: b'{"a": 1}\n' * 1_001, "too_many_lines"),
    "too many rows of a table": ("x.csv", lambda: b"a\n" + b"1\n" * 1_001, "too_many_lines"),
    "too many items": ("x.json", lambda: b"[" + b'{"a":1},' * 1_000 + b"{}]", "too_many_lines"),
    "too many rows, folded": (
        "x.parquet", lambda: parquet_file({"a": [1] * 1_001}), "too_many_lines",
    ),
    "one text many times": (
        "x.parquet", lambda: parquet_file({"a": ["0" * 60_000] * 1_000}), "decompression_limit",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_unfolds_is_given_up(name: str, tmp_path: Path) -> None:
    ending, make, code = CASES[name]
    path = tmp_path / ending
    path.write_bytes(make())
    assert path.stat().st_size < LIMITS.max_bytes
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TooLarge) as raised:
        read(path)
    assert raised.value.code == code
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (after - before) >> 10 < GROWTH_MIB


@pytest.mark.parametrize("ending", ["x.jsonl", "x.csv", "x.csv.gz"])
def test_a_line_of_a_megabyte_is_not_held(ending: str, tmp_path: Path) -> None:
    path = tmp_path / ending
    content = b"a,b\n" + bytes(range(97, 120)) * 5_000 + b",1\n"
    path.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    with pytest.raises(InvalidUpload) as raised:
        read(path)
    assert [(each.line, each.code) for each in raised.value.report.errors] == [(2, "line_too_long")]


def test_a_long_row_of_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(parquet_file({"a": ["short", "long " * 20_000, "short"]}))
    rows = read(path)
    bad = [each.problem for each in rows if isinstance(each, BadRow)]
    assert [(each.line, each.code) for each in bad] == [(2, "line_too_long")]
    assert len(rows) == 3


def test_what_is_sound_is_read_alike_with_limits(tmp_path: Path) -> None:
    columns = {"a": ["x", None, "y"], "n": [1, 2, None], "l": [["p"], [], None]}
    path = tmp_path / "x.parquet"
    path.write_bytes(parquet_file(columns))
    with open_rows(path) as file:
        assert list(file.rows) == read(path)
    packed = tmp_path / "x.jsonl.gz"
    packed.write_bytes(gzip.compress(b'{"a": 1}\n' * 500))
    assert len(read(packed)) == 500


@pytest.mark.parametrize("at", range(10, 400, 23))
def test_a_damaged_parquet_file_is_no_accident(at: int, tmp_path: Path) -> None:
    whole = bytearray(parquet_file({"a": ["x", "y"] * 50, "n": list(range(100))}))
    whole[at % len(whole)] ^= 0xFF
    path = tmp_path / "x.parquet"
    path.write_bytes(bytes(whole))
    try:
        read(path)
    except (NotText, TooLarge):
        return


def test_a_cut_off_gzip_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n' * 500)[:-20])
    with pytest.raises(NotText, match="not a whole gzip file"):
        read(path)
