"""Whole tables out of Postgres and into it again, whatever tables there are."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

_REVISIONS = "alembic_version"
# Says who lives and when somebody swept: a service that has only been started has these rows.
_PASSING = ("workers", "claimants", "sweeps")

_TABLES = sa.text(
    """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    ORDER BY relname
    """
)
_REFERENCES = sa.text(
    """
    SELECT DISTINCT own.relname, other.relname
    FROM pg_constraint
    JOIN pg_class AS own ON own.oid = conrelid
    JOIN pg_class AS other ON other.oid = confrelid
    WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conrelid <> confrelid
    """
)
_COLUMNS = sa.text(
    """
    SELECT attname FROM pg_attribute
    WHERE attrelid = to_regclass('public.' || quote_ident(:table))
      AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    ORDER BY attnum
    """
)
_COUNTERS = sa.text(
    """
    SELECT attname, pg_get_serial_sequence('public.' || quote_ident(:table), attname)
    FROM pg_attribute
    WHERE attrelid = to_regclass('public.' || quote_ident(:table))
      AND attnum > 0 AND NOT attisdropped
      AND pg_get_serial_sequence('public.' || quote_ident(:table), attname) IS NOT NULL
    """
)
_HEARD_OF = sa.text(
    "SELECT count(*) FROM workers"
    " WHERE heartbeat_at > clock_timestamp() - make_interval(secs => :within_s)"
)


def hold_still(connection: sa.Connection) -> None:
    """Make a transaction see one moment for as long as it lasts; it must have done nothing yet."""
    connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    take_time(connection)


def take_time(connection: sa.Connection) -> None:
    """Lift the limits on how long this transaction and its statements may take."""
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.execute(sa.text(f"SET LOCAL {name} = 0"))


def tables(connection: sa.Connection) -> Sequence[str]:
    """Every table but that of the schema's revision, each after those that it refers to."""
    left = [name for name in connection.execute(_TABLES).scalars() if name != _REVISIONS]
    needs: dict[str, set[str]] = {name: set() for name in left}
    for own, other in connection.execute(_REFERENCES):
        needs[own].add(other)
    ordered: list[str] = []
    while left:
        ready = [name for name in left if needs[name] <= set(ordered)]
        if not ready:
            raise ValueError(f"tables refer to each other in a circle: {', '.join(left)}")
        ordered += ready
        left = [name for name in left if name not in ready]
    return ordered


def columns(connection: sa.Connection, table: str) -> Sequence[str]:
    """The columns of a table that hold something of their own, in its order."""
    return list(connection.execute(_COLUMNS, {"table": table}).scalars())


def copy_out(connection: sa.Connection, table: str, names: Sequence[str]) -> Iterator[bytes]:
    """The rows of a table as Postgres' own text form, in blocks."""
    statement = sql.SQL("COPY {} ({}) TO STDOUT").format(*_named(table, names))
    with _cursor(connection) as cursor, cursor.copy(statement) as copy:
        for block in copy:
            yield bytes(block)


def row_count(connection: sa.Connection, table: str) -> int:
    """How many rows a table has."""
    return connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one()


def copy_in(
    connection: sa.Connection, table: str, names: Sequence[str], blocks: Iterable[bytes]
) -> int:
    """Put rows in that form into a table; how many. Triggers of ours stand still meanwhile."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(*_named(table, names))
    with _cursor(connection) as cursor, _quiet(cursor, table):
        with cursor.copy(statement) as copy:
            for block in blocks:
                copy.write(block)
        return int(cursor.rowcount)


def empty(connection: sa.Connection, table: str) -> None:
    """Remove every row of a table, also of one that may only grow."""
    statement = sql.SQL("DELETE FROM {}").format(sql.Identifier(table))
    with _cursor(connection) as cursor, _quiet(cursor, table):
        cursor.execute(statement)


@contextmanager
def _quiet(cursor: "psycopg.Cursor[Any]", table: str) -> Iterator[None]:
    """Let no trigger of ours have a say: what was stored once was judged then."""
    switch = sql.SQL("ALTER TABLE {} {} TRIGGER USER")
    cursor.execute(switch.format(sql.Identifier(table), sql.SQL("DISABLE")))
    yield
    cursor.execute(switch.format(sql.Identifier(table), sql.SQL("ENABLE")))


def set_counters(connection: sa.Connection, table: str) -> None:
    """Let the numbers that Postgres gives go on behind the highest that is stored."""
    for column, sequence in connection.execute(_COUNTERS, {"table": table}).all():
        highest = sql.SQL("SELECT setval({}, (SELECT coalesce(max({}), 0) + 1 FROM {}), false)")
        with _cursor(connection) as cursor:
            cursor.execute(
                highest.format(sql.Literal(sequence), sql.Identifier(column), sql.Identifier(table))
            )


def holds_anything(connection: sa.Connection) -> Sequence[str]:
    """The tables that have rows, without what a service writes by being started."""
    found: list[str] = []
    for name in tables(connection):
        query = sa.select(sa.exists(sa.select(sa.literal(1)).select_from(sa.table(name))))
        if name not in _PASSING and connection.execute(query).scalar():
            found.append(name)
    return found


def workers_heard_of(connection: sa.Connection, within_s: float) -> int:
    """How many workers gave a sign of life lately; none where there is no such table."""
    if connection.execute(sa.text("SELECT to_regclass('public.workers')")).scalar() is None:
        return 0
    return int(connection.execute(_HEARD_OF, {"within_s": within_s}).scalar_one())


def clear(connection: sa.Connection) -> None:
    """Drop every table, and whatever else migrations made; the schema is left as a new one."""
    take_time(connection)
    for statement in (
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public AUTHORIZATION pg_database_owner",
        "GRANT USAGE ON SCHEMA public TO PUBLIC",
    ):
        connection.execute(sa.text(statement))


def _named(table: str, names: Sequence[str]) -> tuple[sql.Composable, sql.Composable]:
    return sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))


@contextmanager
def _cursor(connection: sa.Connection) -> Iterator[psycopg.Cursor[Any]]:
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor:
        yield cursor
