"""A form with a file in it (RFC 7578), read part by part from chunks, whatever its size."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.errors import MalformedRequest

_HEAD_BYTES = 8 * 1024
_BOUNDARY = re.compile(r'^multipart/form-data\s*;.*?\bboundary="?([!-~]{1,70}?)"?\s*(?:;|$)', re.I)
_NAME = re.compile(r'(?<![\w*])name="([^"]*)"')
_FILE_NAME = re.compile(r'(?<![\w*])filename="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Part:
    """One field; `file_name` is None for what is not a file. Its data is read once, in order."""

    name: str
    file_name: str | None
    data: Iterator[bytes]


def boundary_of(content_type: str) -> bytes:
    """What parts the parts; raises MalformedRequest for another type."""
    found = _BOUNDARY.match(content_type.strip())
    if found is None:
        raise MalformedRequest("Send the form as multipart/form-data.")
    return found[1].encode()


def read_parts(chunks: Iterable[bytes], boundary: bytes) -> Iterator[Part]:
    """Every part in order; what of one is not read is skipped. Raises MalformedRequest."""
    source = _Source(chunks)
    delimiter = b"\r\n--" + boundary
    _skip(source.until(delimiter))
    while source.take(2) == b"\r\n":
        head = b"".join(source.until(b"\r\n\r\n", most=_HEAD_BYTES)).decode("utf-8", "replace")
        name, file_name = _NAME.search(head), _FILE_NAME.search(head)
        if name is None:
            raise MalformedRequest("A part of the form has no name.")
        data = source.until(delimiter)
        yield Part(name[1], file_name[1] if file_name else None, data)
        _skip(data)


def _skip(data: Iterator[bytes]) -> None:
    for _ in data:
        pass


class _Source:
    """Chunks as one stream; it begins with a line end, so that the first delimiter is one too."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._held = b"\r\n"

    def take(self, count: int) -> bytes:
        """The next bytes, fewer at the end."""
        while len(self._held) < count and self._more():
            pass
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def until(self, mark: bytes, most: int | None = None) -> Iterator[bytes]:
        """Everything before the mark, which is taken as well; raises where there is none."""
        given = 0
        while (at := self._held.find(mark)) < 0:
            # The mark may have begun.
            sure = len(self._held) - len(mark) + 1
            if sure > 0:
                given += sure
                part, self._held = self._held[:sure], self._held[sure:]
                yield part
            if (most is not None and given > most) or not self._more():
                raise MalformedRequest("The form ends too early, or a part of it has no end.")
        part, self._held = self._held[:at], self._held[at + len(mark) :]
        if part:
            yield part

    def _more(self) -> bool:
        chunk = next(self._chunks, b"")
        self._held += chunk
        return bool(chunk)
