"""`python -m workers.connected postgres redis`: whether this container holds those connections.

For health checks of containers. It looks at the kernel's table of connections and opens none, so
it costs Postgres and Redis nothing, and it sees the worker's own connections, not a fresh one.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from app.settings import Settings

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"
_DEFAULT_PORTS = {"postgres": 5432, "redis": 6379}


def main(arguments: Sequence[str]) -> int:
    """The exit status is 0 when each named server is connected to, 1 when not, 2 on wrong usage."""
    settings = Settings()
    addresses = {"postgres": settings.database_url, "redis": settings.redis_url}
    if not arguments or not set(arguments) <= addresses.keys():
        sys.stderr.write(f"usage: python -m workers.connected [{' | '.join(addresses)}] ...\n")
        return 2
    connected = set(remote_ports())
    missing = [name for name in arguments if _port(name, addresses[name]) not in connected]
    sys.stdout.write(f"not connected: {', '.join(missing)}\n" if missing else "connected\n")
    return 1 if missing else 0


def _port(name: str, address: str | None) -> int:
    return (urlsplit(address).port if address else None) or _DEFAULT_PORTS[name]


def remote_ports() -> Iterator[int]:
    """The ports at the other end of every established TCP connection (Linux only)."""
    for table in _TABLES:
        if table.exists():
            for line in table.read_text(encoding="ascii").splitlines()[1:]:
                _, _, remote, state, *_ = line.split()
                if state == _ESTABLISHED:
                    yield int(remote.rpartition(":")[2], 16)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
