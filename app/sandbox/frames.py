"""Messages between the child and whoever started it: a length, then that many bytes.

They are JSON, but for a document on its way to be read.
"""

import struct
from typing import BinaryIO

import orjson

_LENGTH = struct.Struct(">I")
HEADER_BYTES = _LENGTH.size


def json_bytes(value: object) -> bytes:
    """JSON; what it has no word for goes as its text.

    Raises orjson.JSONEncodeError for what is no text (lone surrogates) or nested too deep.
    """
    return orjson.dumps(value, default=str, option=orjson.OPT_PASSTHROUGH_DATETIME)


def packed(value: object) -> bytes:
    """A message; raises what `json_bytes` raises."""
    return framed(json_bytes(value))


def framed(body: bytes) -> bytes:
    """Bytes as a message."""
    return _LENGTH.pack(len(body)) + body


def body_bytes(header: bytes) -> int:
    """How long the body behind a header is."""
    (length,) = _LENGTH.unpack(header)
    return int(length)


def read_frame(source: BinaryIO) -> object | None:
    """The next message of a pipe, None at its end."""
    body = read_body(source)
    return None if body is None else orjson.loads(body)


def read_body(source: BinaryIO) -> bytes | None:
    """The bytes of the next message, None at the end of the pipe."""
    header = source.read(HEADER_BYTES)
    return source.read(body_bytes(header)) if len(header) == HEADER_BYTES else None
