"""Processes that outlived a killed launcher, remembered by number and start time."""

import os
import signal
from pathlib import Path

from app.embedded.process import identity, wait_until_gone


def remember(directory: Path, name: str, pid: int) -> None:
    """Note a running child of this directory, so that a later start can end it."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.pid").write_text(f"{pid} {identity(pid)}\n", encoding="utf-8")


def forget_all(directory: Path) -> None:
    """Drop the notes: every child of this directory has been stopped."""
    for note in directory.glob("*.pid"):
        note.unlink(missing_ok=True)


def end_all(directory: Path) -> list[str]:
    """End every remembered process that still runs; call it while holding the directory's lock.

    Returns the names of those that had to be ended. A number that now belongs to another process
    is left alone: its start time differs.
    """
    ended: list[str] = []
    for note in sorted(directory.glob("*.pid")):
        number, _, description = note.read_text(encoding="utf-8").strip().partition(" ")
        if number.isdigit() and identity(int(number)) == description:
            end(int(number))
            ended.append(note.stem)
        note.unlink()
    return ended


def end(pid: int) -> None:
    """End a process that is not our child: interrupt, which Postgres takes cleanly, then kill."""
    for number, timeout_s in ((signal.SIGINT, 15.0), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if wait_until_gone(pid, timeout_s):
            return
