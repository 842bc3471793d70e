"""The private Postgres and Valkey of one directory, as one thing that starts and stops."""

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from app.embedded import leftovers
from app.embedded.directory import held
from app.embedded.postgres import Postgres
from app.embedded.valkey import Valkey


class EmbeddedServers:
    """A context manager: inside it both servers run, and the directory is ours alone.

    `home` gets `postgres/`, `valkey/`, `logs/` and `run/`. Enter it in a thread that lives until
    the end (the main thread): the servers end with the thread that started them. Raises
    HomeInUseError and EmbeddedError.
    """

    def __init__(self, home: Path, *, ephemeral: bool = False) -> None:
        self.home = home.resolve()
        self.logs = self.home / "logs"
        self.run = self.home / "run"
        self.postgres = Postgres(
            self.home / "postgres", ephemeral=ephemeral, log=self.logs / "postgres.log"
        )
        self.valkey = Valkey(self.home / "valkey", log=self.logs / "valkey.log")
        self._hold = held(self.home)

    @property
    def postgres_url(self) -> str:
        """The database, as `postgresql+psycopg://...`."""
        return self.postgres.url

    @property
    def redis_url(self) -> str:
        """The broker, as `redis://...`."""
        return self.valkey.url

    def __enter__(self) -> Self:
        self._hold.__enter__()
        try:
            leftovers.end_all(self.run)
            self.start_postgres()
            self.start_valkey()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def start_postgres(self) -> subprocess.Popen[bytes]:
        """Start Postgres, also again after it died; its address stays the same."""
        process = self.postgres.start()
        leftovers.remember(self.run, "postgres", process.pid)
        return process

    def start_valkey(self) -> subprocess.Popen[bytes]:
        """Start Valkey, also again after it died; its address stays the same."""
        process = self.valkey.start()
        leftovers.remember(self.run, "valkey", process.pid)
        return process

    def _close(self) -> None:
        try:
            self.valkey.stop()
            self.postgres.stop()
            leftovers.forget_all(self.run)
        finally:
            self._hold.__exit__(None, None, None)
