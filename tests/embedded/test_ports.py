"""Free ports are none that an outgoing connection could be given in between."""

import socket
from pathlib import Path

import pytest

from app.embedded import ports

LINUX = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_free_ports_are_free_and_below_those_of_outgoing_connections() -> None:
    lowest = int(LINUX.read_text().split()[0]) if LINUX.exists() else 32_768
    found = {ports.free_port() for _ in range(50)}
    assert len(found) > 40
    assert all(20_000 <= port < 32_000 < lowest and ports.is_free(port) for port in found)


def test_taken_ports_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind((ports.LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "_LOWEST", port)
        monkeypatch.setattr(ports, "_PORTS", 1)
        assert ports.free_port() != port
