"""A child process: what it cannot do, and that its parent outlives whatever it does."""

import os
import select
import subprocess
import sys

import pytest

from app.domain.templates import SkipReason
from app.embedded.migrate import ROOT
from app.sandbox.child_process import ChildGone, ChildProcess


def child() -> ChildProcess:
    module = "tests.sandbox.misbehaving_child"
    return ChildProcess(module, {}, start_s=60, frame_bytes=1 << 16)


def ending(wish: str, timeout_s: float) -> ChildGone:
    with child() as started:
        started.send(wish, 60)
        with pytest.raises(ChildGone) as gone:
            started.receive(timeout_s)
        return gone.value


def test_it_can_open_nothing_and_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CULTIVAR_SECRET", "canary")
    with child() as started:
        started.send("confess", 60)
        found = started.receive(60)
    assert isinstance(found, dict)
    assert found["worked"] == []
    assert "CULTIVAR_SECRET" not in found["environment"]
    assert "PATH" not in found["environment"]


@pytest.mark.parametrize(
    ("wish", "timeout_s", "reason"),
    [
        ("sleep", 0.3, SkipReason.WALL_TIME),
        ("flood", 60, SkipReason.CRASHED),
        ("babble", 60, SkipReason.CRASHED),
        ("leave", 60, SkipReason.CRASHED),
    ],
)
def test_its_parent_is_not_held_up(wish: str, timeout_s: float, reason: SkipReason) -> None:
    assert ending(wish, timeout_s).reason is reason


def test_a_message_to_a_child_that_does_not_listen_ends_in_time() -> None:
    with child() as started:
        started.send("sleep", 60)
        with pytest.raises(ChildGone) as gone:
            started.send("x" * (4 << 20), 0.3)
    assert gone.value.reason is SkipReason.WALL_TIME


def test_a_child_that_cannot_start_is_reported() -> None:
    with pytest.raises(ChildGone):
        ChildProcess("tests.sandbox.no_such_child", {}, start_s=60, frame_bytes=1 << 16)


def test_it_ends_with_its_parent() -> None:
    """The parent is killed; the child finds its pipe closed."""
    program = (
        "import os, sys; from tests.sandbox.test_child_process import child; started = child();"
        "print(started._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False, timeout=90
    )
    pid = int(ran.stdout)
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    assert select.select([descriptor], [], [], 60)[0], "the child outlived its parent"
