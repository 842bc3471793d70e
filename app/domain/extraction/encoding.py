"""The text of a document's bytes, or the lines at which it is none."""

import re
from collections.abc import Iterator

from app.errors import DocumentProblem, InvalidDocument

MOST_LISTED = 20
# Encodings in which pages of the web are still written and that name themselves.
CHARSETS = (
    *("gb18030", "gbk", "gb2312", "big5", "shift_jis", "euc-jp", "euc-kr", "koi8-r"),
    *("iso-8859-1", "iso-8859-2", "iso-8859-15"),
    *("windows-1250", "windows-1251", "windows-1252"),
)
_DECLARED = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_-]{1,40})", re.IGNORECASE
)
_HEAD_BYTES = 4096


def decoded(body: bytes, *, may_declare: bool = False) -> str:
    """UTF-8, or what an HTML page declares (`may_declare`), without its byte order mark.

    Raises InvalidDocument with the lines that are no text.
    """
    charset = _declared(body) if may_declare else None
    try:
        text = body.decode(charset or "utf-8")
    except UnicodeDecodeError:
        raise _refused(list(_bad_lines(body, charset or "utf-8"))) from None
    if "\0" in text:
        raise _refused(list(_lines_with_nul(text)))
    return text.removeprefix("\ufeff")


def _declared(body: bytes) -> str | None:
    found = _DECLARED.search(body[:_HEAD_BYTES])
    name = found[1].decode().lower() if found else ""
    return name if name in CHARSETS else None


def _bad_lines(body: bytes, charset: str) -> Iterator[DocumentProblem]:
    """Lines that do not decode; in an encoding that has no lines of its own, the first one."""
    for number, line in enumerate(body.split(b"\n"), 1):
        try:
            line.decode(charset)
        except UnicodeDecodeError as error:
            said = f"byte 0x{line[error.start]:02x} is not {charset.upper()}; save it as UTF-8"
            before = line[: error.start].decode(charset, "replace")
            yield DocumentProblem("not_utf8", said, number, len(before) + 1)


def _lines_with_nul(text: str) -> Iterator[DocumentProblem]:
    for number, line in enumerate(text.split("\n"), 1):
        if "\0" in line:
            said = "a NUL character, which no text holds"
            yield DocumentProblem("nul_character", said, number, line.index("\0") + 1)


def _refused(problems: list[DocumentProblem]) -> InvalidDocument:
    count = f"{len(problems):,} lines are" if len(problems) != 1 else "One line is"
    return InvalidDocument(f"{count} no text.", found=tuple(problems[:MOST_LISTED]))
