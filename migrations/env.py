"""Alembic's entry: the address comes from the settings or the caller, the schema from tables."""

from alembic import context
from sqlalchemy import create_engine, pool

from app.db import (
    access_tables,
    call_tables,
    comparison_tables,
    evaluation_tables,
    material_tables,
    review_tables,
    tables,
)
from app.settings import Settings

# One and the same; each module that adds tables to it must be read.
_TABLES = (
    access_tables,
    call_tables,
    comparison_tables,
    evaluation_tables,
    material_tables,
    review_tables,
    tables,
)
METADATA = [*{each.metadata for each in _TABLES}]


def run() -> None:
    """Apply migrations; `-x url=...` wins over the settings."""
    given = context.get_x_argument(as_dictionary=True).get("url")
    url = given or Settings().database_url
    if not url:
        raise SystemExit("Set CULTIVAR_DATABASE_URL to the database that is to be migrated.")
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=METADATA, compare_server_default=False
        )
        with context.begin_transaction():
            connection.exec_driver_sql("SET LOCAL lock_timeout = '3s'")
            context.run_migrations()


run()
