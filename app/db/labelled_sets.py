"""Queries about labelled sets and their rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from app.db.material_tables import labelled_rows, labelled_sets
from app.db.paging import cursor_number, decode_cursor, encode_cursor, newest_first
from app.db.tables import jobs
from app.db.together import ask
from app.domain.materials import LabelledSet
from app.domain.stored import Page

_columns = [labelled_sets.c[name] for name in LabelledSet.__slots__]
NumberedRow = tuple[int, dict[str, object]]


def insert(connection: sa.Connection, values: Mapping[str, object]) -> None:
    """Store a set whose rows follow in the same transaction."""
    connection.execute(labelled_sets.insert().values(**values))


def complete(
    connection: sa.Connection,
    labelled_set_id: UUID,
    row_count: int,
    columns: Mapping[str, object],
) -> None:
    """Write what is known only after the last row."""
    connection.execute(
        labelled_sets.update()
        .where(labelled_sets.c.id == labelled_set_id)
        .values(row_count=row_count, columns=columns)
    )


def copy_rows(
    connection: sa.Connection, labelled_set_id: UUID, first: int, rows: Sequence[bytes]
) -> None:
    """Append rows, each one JSON object, by COPY."""
    raw: Any = connection.connection.driver_connection
    statement = "COPY labelled_rows (labelled_set_id, position, fields) FROM STDIN"
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for position, row in enumerate(rows, first):
            copy.write_row((labelled_set_id, position, row.decode()))


def by_identity(connection: sa.Connection, identity: str) -> LabelledSet | None:
    """The set made from such a file, its columns described so."""
    query = sa.select(*_columns).where(labelled_sets.c.identity == identity)
    row = connection.execute(query).first()
    return LabelledSet(**row._asdict()) if row else None


def get(connection: sa.Connection, labelled_set_id: UUID) -> LabelledSet | None:
    """One set, or None."""
    query = sa.select(*_columns).where(labelled_sets.c.id == labelled_set_id)
    row = connection.execute(query).first()
    return LabelledSet(**row._asdict()) if row else None


def page(connection: sa.Connection, *, cursor: str | None, limit: int) -> Page[LabelledSet]:
    """Sets, newest first."""
    asked = newest_first(
        sa.select(*_columns),
        labelled_sets.c.id,
        lambda each: LabelledSet(**each),
        kind="labelled_sets",
        cursor=cursor,
        limit=limit,
    )
    return ask(connection, asked)


def page_rows(
    connection: sa.Connection, labelled_set_id: UUID, *, cursor: str | None, limit: int
) -> Page[NumberedRow]:
    """Rows of a set with their numbers, in file order."""
    after = decode_cursor("labelled_rows", cursor, 1)
    behind = -1 if after is None else cursor_number(after[0])
    query = (
        sa.select(labelled_rows.c.position, labelled_rows.c.fields)
        .where(
            labelled_rows.c.labelled_set_id == labelled_set_id, labelled_rows.c.position > behind
        )
        .order_by(labelled_rows.c.position)
        .limit(limit + 1)
    )
    found = _numbered(connection.execute(query))
    more = encode_cursor("labelled_rows", [found[limit - 1][0]]) if len(found) > limit else None
    return Page(found[:limit], more)


def rows_at(
    connection: sa.Connection, labelled_set_id: UUID, positions: Sequence[int]
) -> list[NumberedRow]:
    """The rows with these numbers, in file order."""
    query = (
        sa.select(labelled_rows.c.position, labelled_rows.c.fields)
        .where(
            labelled_rows.c.labelled_set_id == labelled_set_id,
            labelled_rows.c.position.in_(positions),
        )
        .order_by(labelled_rows.c.position)
    )
    return _numbered(connection.execute(query))


def _numbered(rows: Iterable[Any]) -> list[NumberedRow]:
    return [(position, orjson.loads(fields)) for position, fields in rows]


def users(connection: sa.Connection, labelled_set_id: UUID, *, limit: int = 10) -> list[UUID]:
    """Jobs that use the set."""
    query = sa.select(jobs.c.id).where(jobs.c.labelled_set_id == labelled_set_id).limit(limit)
    return list(connection.execute(query).scalars())


def delete(connection: sa.Connection, labelled_set_id: UUID) -> bool:
    """Remove a set with its rows; False when there is none."""
    done = connection.execute(labelled_sets.delete().where(labelled_sets.c.id == labelled_set_id))
    return done.rowcount > 0
