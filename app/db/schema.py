"""What all tables are made with: one schema, and columns that many of them have."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

now = sa.text("clock_timestamp()")


def id_column() -> "sa.Column[object]":
    """The key of a table whose rows have an id."""
    return sa.Column("id", UUID(as_uuid=True), primary_key=True)


def reference(
    name: str, target: str, *, nullable: bool = False, ondelete: str = "CASCADE"
) -> "sa.Column[object]":
    """A column that names a row of another table."""
    key = sa.ForeignKey(f"{target}.id", ondelete=ondelete)
    return sa.Column(name, UUID(as_uuid=True), key, nullable=nullable)


def time(name: str, *, default: bool = False) -> "sa.Column[object]":
    """A moment; with `default` that of the insertion."""
    kind = sa.DateTime(timezone=True)
    if default:
        return sa.Column(name, kind, nullable=False, server_default=now)
    return sa.Column(name, kind)


def count(name: str) -> "sa.Column[object]":
    """A number that begins at nought."""
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
