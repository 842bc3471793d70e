"""Many rows written by one statement: one round trip, one plan and one value, a JSON list.

Postgres unfolds the list by the types of the table's columns. A driver that binds every value of
every row spends more time on that than on all the rest.
"""

import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

_DIALECT = postgresql.dialect()


def insert_many(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Mapping[str, object]],
    *,
    also: str = "",
) -> None:
    """Insert `rows`, which all name the same columns; `also` is further SQL (ON CONFLICT ...)."""
    if rows:
        statement = _insertion(table, tuple(rows[0]), also)
        connection.execute(statement, {"given": as_json(rows)})


def update_many(
    connection: sa.Connection,
    table: sa.Table,
    changes: Sequence[Mapping[str, object]],
    *,
    also_set: str = "",
    only_where: str = "",
    given_types: tuple[tuple[str, str], ...] = (),
) -> None:
    """Write `changes`: each names `id` and the same other columns.

    `also_set` and `only_where` are further SQL over the table's own name and `given` (the changes);
    `given_types` names values that are no columns, with their Postgres types, for use in them.
    """
    if changes:
        statement = _update(table, tuple(changes[0]), also_set, only_where, given_types)
        connection.execute(statement, {"given": as_json(changes)})


def as_json(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows as the JSON list that the statements here unfold; bytes travel as base64."""
    return orjson.dumps(rows, default=_base64).decode()


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        raise TypeError("Give a dict: other mappings have no JSON form.")
    raise TypeError(f"{type(value).__name__} has no JSON form.")


@lru_cache(maxsize=64)
def _insertion(table: sa.Table, names: tuple[str, ...], also: str) -> sa.TextClause:
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(_value(table, name) for name in names)
    return sa.text(
        f"INSERT INTO {table.name} ({columns}) "  # noqa: S608 - names of our own tables and columns
        f"SELECT {values} FROM {_given(table, names, {})} {also}"
    )


@lru_cache(maxsize=64)
def _update(
    table: sa.Table,
    names: tuple[str, ...],
    also_set: str,
    only_where: str,
    given_types: tuple[tuple[str, str], ...],
) -> sa.TextClause:
    types = dict(given_types)
    own = [
        f'"{name}" = {_value(table, name)}' for name in names if name != "id" and name not in types
    ]
    settings = ", ".join([*own, *([also_set] if also_set else [])])
    where = f" AND {only_where}" if only_where else ""
    return sa.text(
        f"UPDATE {table.name} SET {settings} "  # noqa: S608 - names of our own tables and columns
        f"FROM {_given(table, names, types)} "
        f"WHERE {table.name}.id = given.id{where}"
    )


def _given(table: sa.Table, names: tuple[str, ...], types: Mapping[str, str]) -> str:
    columns = ", ".join(f'"{name}" {types.get(name) or _json_type(table, name)}' for name in names)
    return f"json_to_recordset(CAST(:given AS json)) AS given ({columns})"


def _is_bytes(table: sa.Table, name: str) -> bool:
    return isinstance(table.c[name].type, sa.LargeBinary)


def _json_type(table: sa.Table, name: str) -> str:
    return "text" if _is_bytes(table, name) else table.c[name].type.compile(_DIALECT)


def _value(table: sa.Table, name: str) -> str:
    own = f'given."{name}"'
    return f"decode({own}, 'base64')" if _is_bytes(table, name) else own
