"""Free ports on the loopback address."""

import contextlib
import secrets
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Linux gives outgoing connections ports from 32768 on, macOS and Windows from 49152 on.
_LOWEST, _PORTS, _TRIES = 20_000, 12_000, 50


def free_port() -> int:
    """Return a port that nobody listens on now; somebody may take it before you do.

    It is none of those that systems give to outgoing connections: one of them could take it at any
    moment.
    """
    for _ in range(_TRIES):
        with contextlib.suppress(OSError):
            return _bound(_LOWEST + secrets.randbelow(_PORTS))
    return _bound(0)


def _bound(port: int) -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, port))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port."""
    with socket.socket() as probe:
        # As servers do: a port in TIME_WAIT after the last run counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def answers(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether somebody accepts connections on this port."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def kept_port(note: Path) -> int:
    """The port of the last run, so that addresses stored then still hold; else a free one."""
    if note.exists() and is_free(port := int(note.read_text())):
        return port
    port = free_port()
    note.write_text(str(port))
    return port
