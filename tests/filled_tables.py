"""Rows in every table of a database at whatever revision it stands, made from its own schema."""

import hashlib
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

# Where any value of the type would break a rule that the database holds.
LEFT_OUT = {"ledger": {"embedding_call_id"}}
GIVEN: Mapping[str, Mapping[str, object]] = {"row_decisions": {"verdict": "kept"}}
ROWS = 2


def reflected(url: str) -> tuple[sa.Engine, sa.MetaData]:
    """The schema as the database has it, without Alembic's own table."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    metadata = sa.MetaData()
    metadata.reflect(engine)
    metadata.remove(metadata.tables["alembic_version"])
    return engine, metadata


def fill(engine: sa.Engine, metadata: sa.MetaData) -> None:
    """Add rows to every table, with a value in every column that has no default."""
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            for _ in range(ROWS):
                connection.execute(table.insert().values(_row(connection, table)))


def _row(connection: sa.Connection, table: sa.Table) -> Mapping[str, Any]:
    left_out = LEFT_OUT.get(table.name, set())
    found: dict[str, Any] = {}
    for column in table.columns:
        if column.server_default is None and not column.identity and column.name not in left_out:
            key = next(iter(column.foreign_keys), None)
            if key is None:
                found[column.name] = _value(column)
            else:
                found[column.name] = _other(connection, column, key.column)
    return {**found, **GIVEN.get(table.name, {})}


def _other(connection: sa.Connection, column: "sa.Column[Any]", key: "sa.Column[Any]") -> object:
    """What a column may refer to, where there is any such what no row refers to yet."""
    used = sa.select(column).where(column.is_not(None))
    found = sa.select(key).order_by(key.in_(used), key.desc()).limit(1)
    return connection.execute(found).scalar()


def _value(column: "sa.Column[Any]") -> object:
    match column.type:
        case sa.UUID():
            return uuid.uuid4()
        case ARRAY():
            return [] if isinstance(column.type.item_type, sa.UUID) else ["a_reason"]
        case JSONB():
            return {"a": [1, "é\u2028"]}
        case BYTEA():
            return uuid.uuid4().bytes
        case sa.Boolean():
            return False
        case sa.DateTime():
            return datetime.now(UTC)
        case sa.Float():
            return 0.5
        case sa.Integer():
            return uuid.uuid4().int % 1_000_000
        case _:
            return f"{column.name} {uuid.uuid4().hex}"


def digests(engine: sa.Engine, metadata: sa.MetaData) -> Mapping[str, str]:
    """The sha256 of each table's rows, sorted, in the columns that `metadata` has."""
    found: dict[str, str] = {}
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            rows = sorted(repr(tuple(row)) for row in connection.execute(sa.select(table)))
            assert len(rows) >= ROWS, table.name
            found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found
