"""Many rows changed by one statement: a round trip and a plan for all, not one for each."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

_DIALECT = postgresql.dialect()


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
    if not changes:
        return
    names = tuple(changes[0])
    statement = _statement(table, names, also_set, only_where, given_types)
    connection.execute(statement, {name: [each[name] for each in changes] for name in names})


@lru_cache(maxsize=64)
def _statement(
    table: sa.Table,
    names: tuple[str, ...],
    also_set: str,
    only_where: str,
    given_types: tuple[tuple[str, str], ...],
) -> sa.TextClause:
    types = dict(given_types)
    arrays = ", ".join(
        f"CAST(:{name} AS {types.get(name) or table.c[name].type.compile(_DIALECT)}[])"
        for name in names
    )
    own = [f"{name} = given.{name}" for name in names if name != "id" and name not in types]
    settings = ", ".join([*own, *([also_set] if also_set else [])])
    where = f" AND {only_where}" if only_where else ""
    return sa.text(
        f"UPDATE {table.name} SET {settings} "  # noqa: S608 - names of our own tables and columns
        f"FROM unnest({arrays}) AS given ({', '.join(names)}) "
        f"WHERE {table.name}.id = given.id{where}"
    )
