"""Keyset paging: a cursor is the sort key of the last item, opaque to the caller."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import orjson
import sqlalchemy as sa

from app.db.together import Question
from app.domain.stored import Page
from app.errors import UnknownCursor

Item = TypeVar("Item")


def newest_first(
    query: "sa.Select[*tuple[Any, ...]]",
    ids: "sa.ColumnElement[UUID]",
    make: Callable[[dict[str, Any]], Item],
    *,
    kind: str,
    cursor: str | None,
    limit: int,
) -> Question[Page[Item]]:
    """A page of what `query` selects, by descending `ids`, which it has as `id`.

    `kind` names the list in its cursors. Selects one item more than the page has. Raises
    UnknownCursor.
    """
    after = decode_cursor(kind, cursor, 1)
    if after is not None:
        query = query.where(ids < cursor_id(after[0]))

    def read(rows: Sequence[Any]) -> Page[Item]:
        more = encode_cursor(kind, [str(rows[limit - 1].id)]) if len(rows) > limit else None
        return Page([make(row._asdict()) for row in rows[:limit]], more)

    return Question(query.order_by(ids.desc()).limit(limit + 1), read)


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


def cursor_id(value: object) -> UUID:
    """A UUID out of a cursor; raises UnknownCursor."""
    try:
        return UUID(str(value))
    except ValueError as error:
        raise UnknownCursor("Use a `next` value of this list as cursor.") from error


def cursor_number(value: object, *, bits: int = 62) -> int:
    """A number out of a cursor, for a bigint column or (31 bits) an integer; or UnknownCursor."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << bits:
        raise UnknownCursor("Use a `next` value of this list as cursor.")
    return value


def _unknown() -> UnknownCursor:
    return UnknownCursor("Use a `next` value of this list as cursor, or leave the cursor out.")
