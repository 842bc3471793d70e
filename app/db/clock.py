"""The one clock that leases, waits and ages go by, Postgres's: those of workers may be wrong."""

from typing import Any

import sqlalchemy as sa

NOW: "sa.ColumnElement[Any]" = sa.func.clock_timestamp()


def seconds(count: float) -> "sa.ColumnElement[Any]":
    """So many seconds, to be added to a time or taken from it."""
    return sa.func.make_interval(0, 0, 0, 0, 0, 0, count)
