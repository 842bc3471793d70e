"""`cultivar documents`: files in, listed with their chunks, more of them, gone."""

from pathlib import Path

import pytest

from tests.cli.running import CommandLine
from tests.sandbox.pdf_files import pdf

pytestmark = pytest.mark.usefixtures("runtime")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A guide in Markdown and one in PDF, whose second page is a picture."""
    guide, brew = tmp_path / "guide.md", tmp_path / "brew.pdf"
    guide.write_text("# Tea\n\n" + "Green tea wants eighty degrees. " * 20, encoding="utf-8")
    brew.write_bytes(pdf(["Black tea wants 95 degrees.", ""]))
    return [guide, brew]


def test_there_and_back(cultivar: CommandLine, files: list[Path], tmp_path: Path) -> None:
    added = cultivar("documents", "add", *files, "--licence", "CC0-1.0", "--chunk-characters", 300)
    assert added.status == 0, added.errors
    assert "2 documents, 4 chunks" in added.text
    assert "brew.pdf, page 2: the page holds no text" in added.errors
    assert "guide" in cultivar("documents", "list").text
    assert "CC0-1.0" in cultivar("documents", "show", "guide").text
    listed = cultivar("documents", "chunks", "guide", "--json").json()["items"]
    assert [each["facts"]["chunk"] for each in listed][-1] == "brew.pdf#1"
    assert listed[-1]["facts"]["place"] == "page 1; characters 0-27"

    more = tmp_path / "more.txt"
    more.write_text("White tea wants 75 degrees.", encoding="utf-8")
    assert "stored: more.txt  1 chunks" in cultivar("documents", "append", "guide", more).text
    assert "there already" in cultivar("documents", "append", "guide", more).text
    shown = cultivar("documents", "show", "guide", "--json").json()["items"]
    assert [each["name"] for each in shown] == ["guide.md", "brew.pdf", "more.txt"]
    gone = cultivar("documents", "delete", "guide", "--document", shown[0]["id"])
    assert gone.status == 0
    assert len(cultivar("documents", "show", "guide", "--json").json()["items"]) == 2
    assert cultivar("documents", "delete", "guide").status == 0
    assert cultivar("documents", "show", "guide").status == 1


def test_every_file_that_cannot_be_read_is_named(
    cultivar: CommandLine, files: list[Path], tmp_path: Path
) -> None:
    latin, word = tmp_path / "latin.txt", tmp_path / "letter.docx"
    latin.write_bytes(b"fine\ncaf\xe9\n")
    word.write_bytes(b"PK\x03\x04")
    (tmp_path / "zip.pdf").write_bytes(b"PK\x03\x04")
    refused = cultivar("documents", "add", *files, latin, word, tmp_path / "zip.pdf")
    assert refused.status == 2
    assert "latin.txt: line 2, column 4: byte 0xe9" in refused.errors
    assert "letter.docx: Of this kind none is read" in refused.errors
    assert "zip.pdf: The file is zip" in refused.errors
    assert cultivar("documents", "list", "--json").json()["items"] == []


def test_a_size_out_of_range(cultivar: CommandLine, files: list[Path]) -> None:
    refused = cultivar("documents", "add", files[0], "--chunk-characters", 10)
    assert refused.status == 2
    assert "chunk_characters: must be from 200 to 16,000" in refused.errors
