"""The servers end with their launcher, however it ends, and keep what they were given."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from app.embedded.errors import HomeInUseError
from app.embedded.postmaster import clear_stale
from app.embedded.process import identity
from app.embedded.servers import EmbeddedServers
from tests.embedded.holding import holder
from tests.servers import passing_directory, plain


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that every account may enter, unlike pytest's own."""
    with passing_directory() as directory:
        yield directory / "home"


def count_up(postgres_url: str) -> int:
    """Add a row to a table that is made if need be; return how many there are."""
    with psycopg.connect(plain(postgres_url)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS starts (number int)")
        connection.execute("INSERT INTO starts VALUES (1)")
        row = connection.execute("SELECT count(*) FROM starts").fetchone()
        assert row is not None
        return int(row[0])


def test_both_servers_run_on_loopback_and_ask_for_a_password(home: Path) -> None:
    with EmbeddedServers(home) as servers:
        assert count_up(servers.postgres_url) == 1
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()
        wrong = plain(servers.postgres_url).replace("cultivar:", "cultivar:x")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(wrong)
        with (
            redis.Redis(port=servers.valkey.port or 0) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
        for name in ("postgres/password", "valkey/password", "valkey/server.conf"):
            assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
        assert servers.postgres.port is not None
        assert listening_addresses(servers.postgres.port) == {"127.0.0.1"}


def listening_addresses(port: int) -> set[str]:
    """Return the addresses on which somebody listens on a port, from /proc."""
    found: set[str] = set()
    for family in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{family}").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, _, number = local.partition(":")
            if state == "0A" and int(number, 16) == port:
                found.add("127.0.0.1" if address == "0100007F" else address)
    return found


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_outlives_the_launcher_and_the_data_stays(
    home: Path, number: signal.Signals
) -> None:
    with holder(home) as first:
        assert count_up(first.postgres_url) == 1
        first.end(number)
        assert first.servers_are_gone()
    with holder(home) as second:
        assert count_up(second.postgres_url) == 2
        assert second.end(signal.SIGINT) != 0
        assert second.servers_are_gone()


@pytest.mark.faults
def test_servers_killed_together_with_the_launcher_start_again(home: Path) -> None:
    with holder(home) as first:
        assert count_up(first.postgres_url) == 1
        for pid in (first.postgres, first.valkey, first.process.pid):
            os.kill(pid, signal.SIGKILL)
        assert first.servers_are_gone()
    assert (home / "postgres/data/postmaster.pid").exists()
    with EmbeddedServers(home) as servers:
        assert count_up(servers.postgres_url) == 2


def test_a_second_instance_is_refused_and_told_whose_the_directory_is(home: Path) -> None:
    with holder(home) as first:
        with pytest.raises(HomeInUseError, match=f"in use by process {first.process.pid}$"):
            EmbeddedServers(home).__enter__()
        assert count_up(first.postgres_url) == 1


def test_two_directories_work_side_by_side(home: Path) -> None:
    with EmbeddedServers(home / "a") as one, EmbeddedServers(home / "b") as other:
        assert count_up(one.postgres_url) == count_up(other.postgres_url) == 1
        assert one.redis_url != other.redis_url


def test_a_pid_file_of_some_other_process_is_not_believed(home: Path) -> None:
    with EmbeddedServers(home) as servers:
        count_up(servers.postgres_url)
    note = home / "postgres/data/postmaster.pid"
    with subprocess.Popen(["/bin/sleep", "60"]) as other:
        note.write_text(f"{other.pid}\n{home / 'postgres/data'}\n")
        with EmbeddedServers(home) as servers:
            assert count_up(servers.postgres_url) == 2
        assert other.poll() is None
        other.kill()


def test_a_pid_file_of_a_zombie_is_not_believed(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as zombie:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        assert identity(zombie.pid) is None
        data = home / "data"
        data.mkdir(parents=True)
        (data / "postmaster.pid").write_text(f"{zombie.pid}\n{data}\n")
        clear_stale(data)
        assert not (data / "postmaster.pid").exists()


@pytest.mark.faults
def test_a_server_that_outlived_its_launcher_is_ended(home: Path) -> None:
    with EmbeddedServers(home) as servers:
        process = servers.postgres.process
        assert process is not None
        clear_stale(servers.postgres.data)
        assert process.wait(10) is not None
        servers.start_postgres()
        assert count_up(servers.postgres_url) == 1


def test_a_killed_initdb_leaves_nothing_half_made(home: Path) -> None:
    unfinished = home / "postgres/data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with EmbeddedServers(home) as servers:
        assert count_up(servers.postgres_url) == 1
    assert not unfinished.exists()


def test_valkey_keeps_nothing_and_never_evicts(home: Path) -> None:
    with EmbeddedServers(home) as servers, redis.Redis.from_url(servers.redis_url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        client.set("hint", "1")
        servers.valkey.stop()
        servers.start_valkey()
        assert client.get("hint") is None
