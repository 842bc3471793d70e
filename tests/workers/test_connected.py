"""The health check of worker containers sees real connections, and that they are gone."""

import socket
from pathlib import Path

import pytest

from workers.connected import main, remote_ports

pytestmark = pytest.mark.skipif(
    not Path("/proc/net/tcp").exists(), reason="the kernel's table of connections is Linux's"
)


def test_sees_a_connection_only_while_it_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("CULTIVAR_REDIS_URL", f"redis://127.0.0.1:{port}/0")
        assert main(["redis"]) == 1, "a server that listens is not yet a connection"
        with socket.create_connection(("127.0.0.1", port)):
            assert port in set(remote_ports())
            assert main(["redis"]) == 0
    assert capsys.readouterr().out == "not connected: redis\nconnected\n"


def test_names_every_server_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CULTIVAR_DATABASE_URL", "postgresql+psycopg://a:b@nowhere:1/c")
    monkeypatch.setenv("CULTIVAR_REDIS_URL", "redis://nowhere:2/0")
    assert main(["postgres", "redis"]) == 1
    assert capsys.readouterr().out == "not connected: postgres, redis\n"


@pytest.mark.parametrize("arguments", [[], ["rabbit"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage:" in capsys.readouterr().err
