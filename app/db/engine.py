"""The way to Postgres: one engine per process, transactions, and its failures as our kinds."""

from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy import exc

from app.errors import Conflict, DatabaseFull, InUse, InvalidInput, Problem, Unavailable

_DISK_FULL = "53100"
_UNIQUE_VIOLATION = "23505"
_FOREIGN_KEY_VIOLATION = "23503"


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()


Connection = sa.Connection


class Database:
    """A pool of connections; `transaction` commits on success and rolls back on any error."""

    def __init__(self, url: str, *, pool_size: int = 10, statement_timeout_s: float = 60.0) -> None:
        settings = (
            f"-c statement_timeout={int(statement_timeout_s * 1000)} -c lock_timeout=5000 "
            "-c idle_in_transaction_session_timeout=30000"
        )
        self._engine = sa.create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            pool_timeout=10,
            connect_args={"connect_timeout": 5, "options": settings},
            json_serializer=_dumps,
            json_deserializer=orjson.loads,
        )

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """One transaction; raises Unavailable or DatabaseFull when Postgres cannot, InvalidInput
        for a text with a NUL that nobody stopped before."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except exc.TimeoutError as error:
            raise Unavailable("All database connections are busy; try again shortly.") from error
        except exc.DBAPIError as error:
            raise _kind(error, error.orig, lost=error.connection_invalidated) from error
        except psycopg.Error as error:  # of a COPY, which goes past SQLAlchemy
            raise _kind(error, error, lost=False) from error

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()


def _kind(error: Exception, told: object, *, lost: bool) -> Exception:
    """An error as our kind, or as it is; `told` is what the driver said."""
    code = getattr(told, "sqlstate", None)
    if code == _DISK_FULL:
        return DatabaseFull("The database has no disk space left; nothing was stored.")
    if code == _UNIQUE_VIOLATION:
        return Conflict("The same was stored a moment ago; look it up.", code="already_exists")
    if code == _FOREIGN_KEY_VIOLATION:
        return InUse("Something else depends on it, or what it names was deleted meanwhile.")
    if code is None and isinstance(told, psycopg.DataError) and "NUL" in str(told):
        problem = Problem("", "nul_character", "leave out the character U+0000")
        return InvalidInput("No text that is stored or looked for holds NUL.", problems=[problem])
    # 08 connection, 53 resources, 57 operator; 40001, 40P01, 55P03 contention.
    away = code is None and isinstance(told, psycopg.OperationalError)
    passing = code is not None and (
        code[:2] in {"08", "53", "57"} or code in {"40001", "40P01", "55P03"}
    )
    if away or passing or lost:
        return Unavailable("The database does not answer at present; try again shortly.")
    return error
