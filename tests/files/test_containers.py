"""Every kind of file: the same bytes for the same lines, and back again by its readers."""

import gzip
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import datasets
import pyarrow.parquet
import pytest

from app.domain.format import Format
from app.domain.formats import FORMATS
from app.domain.packaging import Container, Packaging
from app.files.containers import encoded, open_container
from app.files.export_writer import write_export
from tests.domain.formats.published import DIALOGUE, FULL, NASTY, REASONED, STRANGE

LINES: list[Mapping[str, object]] = [
    {"text": NASTY, "none": None, "list": [{"role": "user", "content": "\r\n"}]},
    {"text": "", "none": None, "list": [{"role": "user", "content": "x"}]},
]


def written(container: Container, lines: list[Mapping[str, object]]) -> bytes:
    file = io.BytesIO()
    sink = open_container(container, file)
    for line in lines:
        sink.write(line, encoded(line))
    sink.close()
    return file.getvalue()


@pytest.mark.parametrize("container", Container)
def test_the_same_lines_give_the_same_bytes(container: Container) -> None:
    assert written(container, LINES) == written(container, LINES)


def test_lines_compressed_are_the_lines() -> None:
    packed = written(Container.JSONL_GZ, LINES)
    assert gzip.decompress(packed) == written(Container.JSONL, LINES)
    assert packed[4:8] == b"\0\0\0\0", "a time would make each file another one"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_list_is_json(count: int) -> None:
    assert json.loads(written(Container.JSON, LINES[:count])) == LINES[:count]


def test_cells_keep_their_line_ends_apart() -> None:
    content = written(Container.TSV, [{"q": "a\nb\u2028", "a": "7", "c": "\n"}])
    assert content == "a\\nb\u2028\t7\t\\n\n".encode()


def test_a_column_of_nothing_may_be_text_later(tmp_path: Path) -> None:
    lines: list[Mapping[str, object]] = [{"tag": None, "n": 1}] * 5000
    content = written(Container.PARQUET, [*lines, {"tag": NASTY, "n": 2}])
    assert pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()[-1] == {"tag": NASTY, "n": 2}


def test_a_line_with_other_columns_is_no_row_of_the_file() -> None:
    with pytest.raises(ValueError, match="columns"):
        written(Container.PARQUET, [{"a": 1}, {"a": 1, "b": 2}])


def test_a_file_without_rows_is_one() -> None:
    assert pyarrow.parquet.read_table(io.BytesIO(written(Container.PARQUET, []))).num_rows == 0


def fitting(chosen: Format) -> list[Mapping[str, object]]:
    rows = [STRANGE, REASONED, FULL, DIALOGUE]
    return [chosen.line(row) for row in rows if chosen.unfit(row) is None]


def _cells(path: Path) -> list[dict[str, str]]:
    """As Flan reads them: a line at a time, parted at tabs, the written line ends put back."""
    names = ("question", "answer", "chain_of_thought")
    with path.open(encoding="utf-8", newline="\n") as file:
        rows = [line.removesuffix("\n").split("\t") for line in file]
    return [{k: v.replace("\\n", "\n") for k, v in zip(names, row, strict=True)} for row in rows]


def _loaded(path: Path, kind: str, cache: Path) -> list[Any]:
    found = datasets.load_dataset(
        kind, data_files=str(path), split="train", cache_dir=str(cache / "cache")
    )
    return list(cast("Iterator[Any]", found))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_comes_back_from_its_own_kind_of_file(name: str, tmp_path: Path) -> None:
    chosen = FORMATS[name]()
    lines = fitting(chosen)
    assert lines
    container = Packaging().container_of(chosen)
    path = write_export(tmp_path, name, lines, manifest={}, container=container).path
    match container:
        case Container.TSV:
            found: list[Any] = _cells(path)
        case Container.JSON:
            found = json.loads(path.read_bytes())
        case _:
            # As most trainers read lines: by the line end alone, whatever else a text holds.
            found = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    assert found == lines
    if chosen.fixed_columns and container is not Container.TSV:
        assert _loaded(path, "json", tmp_path) == lines


@pytest.mark.parametrize("name", [name for name, each in FORMATS.items() if each.fixed_columns])
def test_every_format_with_columns_comes_back_from_parquet(name: str, tmp_path: Path) -> None:
    lines = fitting(FORMATS[name]())
    path = write_export(tmp_path, name, lines, manifest={}, container=Container.PARQUET).path
    assert pyarrow.parquet.read_table(path).to_pylist() == lines


def test_a_score_that_comes_late_is_still_a_number() -> None:
    """The first rows of a file may be those that no judge has scored."""
    lines: list[Mapping[str, object]] = [*[{"score": None}] * 5000, {"score": 4.5}]
    content = written(Container.PARQUET, lines)
    table = pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()
    assert (table[0], table[-1]) == (lines[0], lines[-1])
