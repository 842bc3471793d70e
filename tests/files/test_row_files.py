"""Rows of every kind of file, and every file that is of no such kind."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from app.errors import InvalidInput, NotText
from app.files.file_row import BadRow, FileRow
from app.files.row_files import open_rows

ONE, TWO = {"instruction": "Name a tree.", "input": ""}, {"instruction": "Grüße!\nTwice."}


def written(path: Path, content: bytes) -> Path:
    """The path, with the content in it."""
    path.write_bytes(content)
    return path


def rows_of(path: Path) -> list[FileRow | BadRow]:
    """All rows of a file."""
    with open_rows(path) as file:
        return list(file.rows)


def good(path: Path) -> list[FileRow]:
    """All rows of a file that has no bad one."""
    rows = rows_of(path)
    assert not [each for each in rows if isinstance(each, BadRow)]
    return [each for each in rows if isinstance(each, FileRow)]


def problems(path: Path) -> list[tuple[int, str]]:
    """Line and code of every bad row."""
    return [
        (row.problem.line, row.problem.code) for row in rows_of(path) if isinstance(row, BadRow)
    ]


JSONL = f"{json.dumps(ONE)}\r\n\n  \n{json.dumps(TWO, ensure_ascii=False)}".encode()


def test_json_lines(tmp_path: Path) -> None:
    rows = good(written(tmp_path / "rows.jsonl", JSONL))
    assert [row.fields for row in rows] == [ONE, TWO]
    assert [row.number for row in rows] == [1, 4]
    assert [row.raw for row in rows] == [JSONL.splitlines(keepends=True)[0], JSONL.split(b"\n")[-1]]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows", "rows.json", "rows.txt"])
def test_content_decides_not_the_name(tmp_path: Path, name: str) -> None:
    assert len(good(written(tmp_path / name, JSONL))) == 2
    listed = json.dumps([ONE, TWO], indent=1).encode()
    rows = good(written(tmp_path / name, listed))
    assert [(row.number, row.fields) for row in rows] == [(1, ONE), (2, TWO)]
    assert json.loads(rows[1].raw) == TWO
    assert rows[1].raw.endswith(b"\n")


def test_compressed_and_marked(tmp_path: Path) -> None:
    assert len(good(written(tmp_path / "rows", gzip.compress(JSONL, mtime=0)))) == 2
    assert len(good(written(tmp_path / "rows", b"\xef\xbb\xbf" + JSONL))) == 2
    table = b"instruction\nName a tree.\n"
    assert len(good(written(tmp_path / "rows.csv.gz", gzip.compress(table, mtime=0)))) == 1


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables(tmp_path: Path, separator: str) -> None:
    body = [b'1|"two\r\nlines, ""quoted"""\r\n', "2|Grüße\n".encode()]
    content = b"id|instruction\n" + b"".join(body)
    path = written(tmp_path / "rows.csv", content.replace(b"|", separator.encode()))
    rows = good(path)
    assert [row.fields["instruction"] for row in rows] == ['two\r\nlines, "quoted"', "Grüße"]
    assert [row.number for row in rows] == [2, 4]
    assert rows[0].raw == body[0].replace(b"|", separator.encode())
    with open_rows(path) as file:
        assert file.header + b"".join(row.raw for row in rows) == path.read_bytes()


def test_bad_tables(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    assert problems(written(path, b"a,b\n1\n1,2\n1,2,3\n")) == [
        (2, "column_count"),
        (4, "column_count"),
    ]
    assert problems(written(path, b"a,b\n1,\xff\n")) == [(2, "not_utf8")]
    assert problems(written(path, b'a,b\n1,2\n3,"open\n')) == [(3, "csv_syntax")]
    assert rows_of(written(path, b"")) == []


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    pyarrow.parquet.write_table(pa.Table.from_pylist([ONE, TWO]), path)
    rows = good(path)
    assert [row.fields["instruction"] for row in rows] == [ONE["instruction"], TWO["instruction"]]
    assert json.loads(rows[0].raw) == ONE
    written(path, path.read_bytes()[:-20])
    with pytest.raises(NotText):
        rows_of(path)


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    lines = [b'{"a": 1}', b"{", b"7", b'{"a": "\xff"}', b"null", b'{"a": 2}', b'{"a": NaN}']
    assert problems(written(tmp_path / "rows", b"\n".join(lines))) == [
        (2, "json_syntax"),
        (3, "not_an_object"),
        (4, "not_utf8"),
        (5, "not_an_object"),
        (7, "number_out_of_range"),
    ]


def test_a_list_that_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    assert problems(written(path, b'[{"a": 1},\n {"a": 2},\n}]')) == [(3, "json_syntax")]
    assert problems(written(path, b'[{"a": 1}, 7]')) == [(2, "not_an_object")]
    lines = b'["a list on a line"]\n{"a": 1}\n'
    assert problems(written(path, lines)) == [(1, "not_an_object")]
    assert len(rows_of(path)) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04" + bytes(40),
        b"%PDF-1.7",
        '{"a": 1}'.encode("utf-16"),
        gzip.compress(JSONL * 40, mtime=0)[:60],
        b"\x1f\x8bnot gzip at all",
    ],
)
def test_files_of_other_kinds(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(NotText):
        rows_of(written(tmp_path / "rows.jsonl", content))


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InvalidInput):
            rows_of(path)


def test_how_far_the_reading_is(tmp_path: Path) -> None:
    path = written(tmp_path / "rows", JSONL)
    with open_rows(path) as file:
        assert file.size_bytes == len(JSONL)
        list(file.rows)
        assert file.read_bytes == len(JSONL)
