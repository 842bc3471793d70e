"""The whole service in the foreground, killed and interrupted in parts and as a whole."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis

from app.embedded.directory import running_instance
from app.embedded.migrate import ROOT
from app.embedded.ports import LOOPBACK, answers, free_port
from app.embedded.process import identity, wait_until_gone
from tests.servers import passing_directory, plain

PARTS = {"postgres", "valkey", "api", "generate", "other", "demo-teacher"}

pytestmark = [pytest.mark.slow, pytest.mark.faults]


@dataclass(frozen=True)
class Running:
    """A service in the foreground, as a process of its own."""

    process: subprocess.Popen[str]
    home: Path
    port: int

    def pids(self) -> dict[str, int]:
        """The numbers of its parts, by name."""
        notes = sorted((self.home / "run").glob("*.pid"))
        return {note.stem: int(note.read_text().split()[0]) for note in notes}

    def wait_for(self, name: str, other_than: int | None = None) -> int:
        """Wait until a part runs (under another number) and return its number."""
        deadline = time.monotonic() + 30
        while True:
            pid = self.pids().get(name)
            if pid is not None and pid != other_than and identity(pid) is not None:
                return pid
            assert time.monotonic() < deadline, f"{name} does not run"
            time.sleep(0.05)

    def kill(self, name: str) -> None:
        """Kill a part and wait until it runs again."""
        pid = self.wait_for(name)
        os.kill(pid, signal.SIGKILL)
        self.wait_for(name, other_than=pid)

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(60)


def serve(home: Path, port: int) -> subprocess.Popen[str]:
    """Start `serve` as run.py does."""
    return subprocess.Popen(
        [sys.executable, "-m", "app.embedded.serve", "--home", str(home), "--port", str(port)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def service() -> Iterator[Running]:
    """Give a running service; whatever of it is left afterwards is ended."""
    port = free_port()
    with passing_directory() as directory, serve(directory / "home", port) as process:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        try:
            yield Running(process, directory / "home", port)
        finally:
            process.terminate()


def test_every_part_that_is_killed_comes_back_and_an_interrupt_ends_all() -> None:
    with service() as running:
        instance = running_instance(running.home)
        assert instance is not None
        note = running.home / "connection.json"
        assert stat.S_IMODE(note.stat().st_mode) == 0o600
        assert instance.api_url == f"http://{LOOPBACK}:{running.port}"
        assert running.pids().keys() == PARTS
        for name in ("valkey", "api", "generate", "other", "postgres"):
            running.kill(name)
        with psycopg.connect(plain(instance.postgres_url)) as connection:
            assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
        with redis.Redis.from_url(instance.redis_url) as client:
            assert client.ping()
        while not answers(running.port):
            time.sleep(0.05)
        after = running.pids()
        assert running.end(signal.SIGINT) == 0
        assert [name for name, pid in after.items() if identity(pid) is not None] == []
        assert running.pids() == {}
        assert running_instance(running.home) is None
        assert not note.exists()


def test_a_killed_service_leaves_no_process_and_its_note_is_not_believed() -> None:
    with service() as running:
        pids = running.pids()
        running.end(signal.SIGKILL)
        assert [name for name, pid in pids.items() if not wait_until_gone(pid, 10)] == []
        assert (running.home / "connection.json").exists()
        assert running_instance(running.home) is None


def test_a_taken_port_is_one_clear_line() -> None:
    with passing_directory() as directory, socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serve(directory / "home", port) as process:
            said, _ = process.communicate(timeout=30)
        assert process.returncode == 1
        assert said == f"error: port {port} is taken; choose another with --port\n"
