"""What ends is started again, and what ends again and again is given up with its last words."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.embedded.errors import EmbeddedError
from app.embedded.migrate import ROOT
from app.embedded.process import identity, spawn
from app.embedded.supervisor import QUICK_FAILURES, Charge, Supervisor


def charge(log: Path, *command: str) -> Charge:
    """Return a charge that runs a shell command."""

    def launch() -> subprocess.Popen[bytes]:
        return spawn(["sh", "-c", *command], log=log, death_signal=signal.SIGKILL)

    return Charge("worker", log, launch)


@contextmanager
def watching(*charges: Charge, grace_s: float = 5.0) -> Iterator[Supervisor]:
    """Give a supervisor that watches over these, and stop it afterwards."""
    supervisor = Supervisor(charges, grace_s)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()


def pid_of(given: Charge, other_than: int | None = None) -> int:
    """Wait until a charge runs (under another number) and return its number."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if given.process is not None and given.process.pid != other_than:
            return given.process.pid
        time.sleep(0.02)
    raise AssertionError("it does not run")


def test_what_ends_is_started_again(tmp_path: Path) -> None:
    sleeper = charge(tmp_path / "log", "exec sleep 60")
    with watching(sleeper) as supervisor:
        first = pid_of(sleeper)
        subprocess.run(["kill", "-KILL", str(first)], check=True)
        second = pid_of(sleeper, other_than=first)
        supervisor.check()
    assert identity(second) is None


def test_what_fails_again_and_again_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    with watching(charge(tmp_path / "log", "echo no such table; exit 3")) as supervisor:
        with pytest.raises(EmbeddedError) as caught:
            supervisor.wait(30)
        assert f"ended {QUICK_FAILURES} times in a row (exit status 3)" in str(caught.value)
        assert str(caught.value).endswith("no such table")


def test_its_patience_is_what_it_is_told(tmp_path: Path) -> None:
    supervisor = Supervisor([charge(tmp_path / "log", "exit 3")], patience=2)
    supervisor.start()
    with pytest.raises(EmbeddedError, match="ended 2 times in a row"):
        supervisor.wait(30)
    supervisor.stop()


def test_a_command_that_cannot_be_started_is_given_up(tmp_path: Path) -> None:
    def launch() -> subprocess.Popen[bytes]:
        raise EmbeddedError("cannot start it")

    with (
        watching(Charge("server", tmp_path / "log", launch)) as supervisor,
        pytest.raises(EmbeddedError, match="cannot start it"),
    ):
        supervisor.wait(30)


def test_children_get_their_grace_and_then_end(tmp_path: Path) -> None:
    polite = charge(tmp_path / "a", "trap 'sleep 0.3; echo tidy; exit 0' TERM; sleep 60 & wait")
    stubborn = charge(tmp_path / "b", "trap '' TERM; while :; do sleep 0.1; done")
    with watching(polite, stubborn, grace_s=1.5):
        pids = pid_of(polite), pid_of(stubborn)
        time.sleep(0.3)
        started = time.monotonic()
    assert 1.4 < time.monotonic() - started < 10
    assert (tmp_path / "a").read_text() == "tidy\n"
    assert [identity(pid) for pid in pids] == [None, None]


def test_a_second_signal_cuts_the_grace_short(tmp_path: Path) -> None:
    stubborn = charge(tmp_path / "log", "trap '' TERM; while :; do sleep 0.1; done")
    with watching(stubborn, grace_s=60) as supervisor:
        pid_of(stubborn)
        started = time.monotonic()
        supervisor.hurry.set()
    assert time.monotonic() - started < 10


def test_a_child_ends_with_the_thread_that_started_it_and_its_process(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = (
        "import signal, pathlib, os\n"
        "from app.embedded.process import spawn\n"
        f"log = pathlib.Path({str(tmp_path / 'log')!r})\n"
        "child = spawn(['sleep', '60'], log=log, death_signal=signal.SIGKILL)\n"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    deadline = time.monotonic() + 5
    while identity(int(note.read_text())) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert identity(int(note.read_text())) is None
