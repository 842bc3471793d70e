"""The web process builds its runtime from the environment when it starts, not before."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.errors import InvalidInput
from app.main import create_app
from tests.entry import WITH_TOKEN, give_token


def test_it_starts_from_the_environment(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app()
    assert app.state.runtime is None
    monkeypatch.setenv("CULTIVAR_DATABASE_URL", database_url)
    monkeypatch.setenv("CULTIVAR_HOME", str(tmp_path))
    give_token(tmp_path)
    with TestClient(app, base_url="http://localhost", headers=WITH_TOKEN) as client:
        assert client.get("/v1/jobs").json() == {"items": [], "next": None}
    assert (tmp_path / "master.key").exists()


def test_without_a_database_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CULTIVAR_DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(InvalidInput, match="CULTIVAR_DATABASE_URL"),
        TestClient(create_app(), base_url="http://localhost"),
    ):
        pass
