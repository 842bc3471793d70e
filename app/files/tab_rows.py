"""Rows of a table without a header, parted by tabs, where a quotation mark is a character."""

from collections.abc import Iterable, Iterator, Sequence

from app.errors import LineProblem
from app.files.excerpt import excerpt
from app.files.file_row import BadRow, FileRow


def read_tab_rows(lines: Iterable[bytes], names: Sequence[str]) -> Iterator[FileRow | BadRow]:
    """A row of every line that is not blank, its columns called by the names."""
    for number, raw in enumerate(lines, 1):
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            yield _bad(number, "not_utf8", "the row is not UTF-8; save the file as UTF-8", raw)
            continue
        values = text.split("\t")
        if len(values) == len(names):
            yield FileRow(number, dict(zip(names, values, strict=True)), raw)
        elif text.strip():
            wanted = ", ".join(names)
            detail = f"{len(values)} columns where there are to be {len(names)}: {wanted}"
            yield _bad(number, "column_count", detail, raw)


def _bad(number: int, code: str, detail: str, raw: bytes) -> BadRow:
    quoted = excerpt(raw[:400].decode("utf-8", "backslashreplace"))
    return BadRow(LineProblem(number, code, detail, excerpt=quoted))
