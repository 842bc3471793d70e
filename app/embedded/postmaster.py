"""What a Postgres that was killed leaves behind in its data directory and in memory."""

import os
import signal
from pathlib import Path

from app.embedded.leftovers import end
from app.embedded.process import identity, wait_until_gone


def clear_stale(data: Path) -> None:
    """Make a data directory fit for a new server; call it only while holding the directory.

    Ends a server that outlived its launcher, and removes a `postmaster.pid` that nobody stands
    behind: Postgres takes any process that now has the noted number, even a zombie, for a running
    server. Its own guard against processes that still use the memory of a dead server hangs on
    that file too, so none of them may be left when it goes.
    """
    note = data / "postmaster.pid"
    if not note.exists():
        return
    number = note.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()
    if number.isdigit() and _is_postgres_on(int(number), data):
        end(int(number))
    for pid in _processes_on(data):
        os.kill(pid, signal.SIGKILL)
        wait_until_gone(pid, timeout_s=5.0)
    note.unlink(missing_ok=True)


def _processes_on(data: Path) -> list[int]:
    """Return the Postgres processes that work in a data directory (Linux; elsewhere none)."""
    numbers = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    return [number for number in numbers if _is_postgres_on(number, data)]


def _is_postgres_on(pid: int, data: Path) -> bool:
    description = identity(pid)
    if description is None or "postgres" not in description:
        return False
    working_directory = Path(f"/proc/{pid}/cwd")
    try:
        return working_directory.resolve(strict=True) == data.resolve()
    except OSError:
        return not Path("/proc/self").exists()
