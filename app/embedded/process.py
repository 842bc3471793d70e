"""Child processes that end when their parent does, whatever ends the parent."""

import atexit
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.embedded.errors import EmbeddedError

LOG_LIMIT_BYTES = 16 * 1024 * 1024
# For the command that a person runs; what it starts gets the key from the database, sealed.
_NOT_INHERITED = {"OPENAI_API_KEY"}


def spawn(
    arguments: Sequence[str],
    *,
    log: Path,
    death_signal: signal.Signals,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    prefix: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Start a child in its own session, its output appended to `log`, without standard input.

    `death_signal` is what the child gets when the *thread* that called this ends, so call it from
    a thread that lives as long as the child should. `prefix` is a command that becomes the child
    (it must not fork). Where `setpriv` is missing an exit handler takes its place, which a killed
    parent never runs: `app.embedded.leftovers` finds such children at the next start. Without an
    `environment` the child is a stranger's program, which learns none of our settings.
    """
    rotate(log)
    dying = _dying_with_us(death_signal)
    with log.open("ab") as output:
        try:
            # The signal is asked for last, because a change of user would clear it again.
            child = subprocess.Popen(
                [*prefix, *dying, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(environment),
                cwd=directory,
                start_new_session=True,
            )
        except OSError as error:
            raise EmbeddedError(f"cannot start {arguments[0]}: {error}") from error
    if not dying:
        atexit.register(_signal_group, child, death_signal)
    return child


def _environment(ours: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: each for name, each in os.environ.items() if name not in _NOT_INHERITED}
    if ours is not None:
        return {**kept, **ours}
    return {name: each for name, each in kept.items() if not name.startswith("CULTIVAR_")}


def _dying_with_us(death_signal: signal.Signals) -> list[str]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    # We may have died before the signal was asked for; then the child's parent is somebody else.
    unless_orphaned = ["/bin/sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"', str(os.getpid())]
    return [setpriv, "--pdeathsig", death_signal.name.removeprefix("SIG"), *unless_orphaned]


def stop(
    child: subprocess.Popen[bytes],
    steps: Sequence[tuple[signal.Signals, float]],
) -> None:
    """Send each signal in turn and wait its seconds, ending with a kill of the whole group."""
    for number, timeout_s in steps:
        if child.poll() is not None:
            break
        child.send_signal(number)
        try:
            child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            continue
    _signal_group(child, signal.SIGKILL)
    child.wait()


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)
    except (ProcessLookupError, PermissionError):
        return  # the group is already empty (macOS answers EPERM for zombies)


def rotate(log: Path) -> None:
    """Keep a log from growing for ever: past the limit it becomes `NAME.old`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_name(log.name + ".old"))


def last_lines(log: Path, count: int = 12) -> str:
    """Return the end of a log for an error message; empty when there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        text = file.read().decode("utf-8", errors="replace")
    return "\n".join(text.splitlines()[-count:])


def wait_until_gone(pid: int, timeout_s: float) -> bool:
    """Wait for a process that is not our child; tell whether it went."""
    deadline = time.monotonic() + timeout_s
    while identity(pid) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def identity(pid: int) -> str | None:
    """Return `start-time command` of a live process; None when it is gone or a zombie.

    Two processes that had the same number at different times differ in it.
    """
    if Path("/proc/self/stat").exists():
        return _identity_from_proc(pid)
    return _identity_from_ps(pid)


def _identity_from_proc(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    head, _, tail = stat.rpartition(")")
    fields = tail.split()
    if fields[0] in {"Z", "X"}:
        return None
    return f"{fields[19]} {head.partition('(')[2]}"


def _identity_from_ps(pid: int) -> str | None:
    answer = subprocess.run(
        ["/bin/ps", "-o", "stat=,lstart=,comm=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, rest = answer.stdout.strip().partition(" ")
    if answer.returncode != 0 or not state or state.startswith("Z"):
        return None
    return rest.strip()
