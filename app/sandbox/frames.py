"""Messages between the child and whoever started it: a length, then that many bytes of JSON."""

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
    body = json_bytes(value)
    return _LENGTH.pack(len(body)) + body


def body_bytes(header: bytes) -> int:
    """How long the body behind a header is."""
    (length,) = _LENGTH.unpack(header)
    return int(length)


def read_frame(source: BinaryIO) -> object | None:
    """The next message of a pipe, None at its end."""
    header = source.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    return orjson.loads(source.read(body_bytes(header)))
