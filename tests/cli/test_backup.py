"""`cultivar backup` and `cultivar restore`, on a service that is named and on a folder at rest."""

from pathlib import Path

import pytest

from app.runtime import Runtime
from tests.cli.running import CommandLine
from tests.driving import SEEDS


def test_a_named_service_is_backed_up_checked_and_restored_when_told(
    runtime: Runtime, cultivar: CommandLine, tmp_path: Path
) -> None:
    assert cultivar("seed-sets", "add", SEEDS, "--licence", "CC0-1.0").status == 0
    folder = tmp_path / "monday"
    made = cultivar("backup", folder)
    assert made.status == 0
    assert "The master key is not in it" in made.errors
    checked = cultivar("restore", folder, "--check", "--json").json()
    assert checked["rows"] > 100
    refused = cultivar("restore", folder)
    assert refused.status == 1
    assert "--replace" in refused.errors
    replaced = cultivar("restore", folder, "--replace", "--json").json()
    assert replaced["rows"] == checked["rows"]
    again = cultivar("backup", folder)
    assert (again.status, "exists already" in again.errors) == (1, True)
    (folder / "manifest.json").unlink()
    torn = cultivar("restore", folder, "--check")
    assert (torn.status, "not a whole backup" in torn.errors) == (2, True)
    assert cultivar("restore", tmp_path / "none").status == 1


@pytest.mark.slow
def test_a_folder_at_rest_is_restored_into_and_backed_up(
    runtime: Runtime, cultivar: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a service the command starts the database of HOME for as long as it needs it."""
    assert cultivar("seed-sets", "add", SEEDS, "--licence", "CC0-1.0").status == 0
    first, second = tmp_path / "first", tmp_path / "second"
    rows = cultivar("backup", first, "--json").json()["rows"]
    monkeypatch.delenv("CULTIVAR_DATABASE_URL")
    monkeypatch.setenv("CULTIVAR_HOME", str(tmp_path / "embedded"))
    restored = cultivar("restore", first, "--json")
    assert restored.json()["rows"] == rows
    assert cultivar("backup", second, "--json").json()["rows"] == rows
