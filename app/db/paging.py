"""Keyset paging: a cursor is the sort key of the last item, opaque to the caller."""

import base64
import binascii
from collections.abc import Sequence

import orjson

from app.errors import UnknownCursor


def encode_cursor(kind: str, key: Sequence[object]) -> str:
    """A cursor for lists of `kind` from the last item's sort key (JSON values)."""
    return base64.urlsafe_b64encode(orjson.dumps([kind, *key])).decode().rstrip("=")


def decode_cursor(kind: str, cursor: str | None, length: int) -> list[object] | None:
    """The sort key back; raises UnknownCursor unless we made it for this kind of list."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise _unknown() from error
    if not isinstance(values, list) or len(values) != length + 1 or values[0] != kind:
        raise _unknown()
    return values[1:]


def _unknown() -> UnknownCursor:
    return UnknownCursor("Use a `next` value of this list as cursor, or leave the cursor out.")
