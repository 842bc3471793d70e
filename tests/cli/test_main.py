"""The tree of commands: quick to start, each importable, statuses kept."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.main import get_command

from app.cli.main import COMMANDS, root
from app.embedded.migrate import ROOT
from tests.cli.running import CommandLine

HEAVY = ("sqlalchemy", "openai", "numpy", "numba", "celery", "fastapi", "psycopg")


def test_help_lists_every_command(cultivar: CommandLine) -> None:
    ran = cultivar("--help")
    assert ran.status == 0
    assert all(name in ran.text and entry.help in ran.text for name, entry in COMMANDS.items())


def test_help_imports_nothing_heavy_and_is_quick() -> None:
    code = (
        "import sys; from app.cli.main import main; main(['--help']);"
        f"sys.exit(', '.join(set({HEAVY!r}) & set(sys.modules)) or 0)"
    )
    started = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert time.monotonic() - started < 5  # under 1 s alone; the machine may be busy


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, cultivar: CommandLine) -> None:
    ran = cultivar(name, "--help")
    assert ran.status == 0
    assert COMMANDS[name].help in " ".join(ran.text.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_explains_itself(name: str) -> None:
    command = get_command(root([name])).commands[name]  # type: ignore[attr-defined]
    for inner in getattr(command, "commands", {"": command}).values():
        assert inner.help, f"{name} {inner.name} says nothing"
        explained = [each for each in inner.params if getattr(each, "help", None)]
        assert len(explained) == len(inner.params), inner.name


def test_wrong_usage(cultivar: CommandLine) -> None:
    for words in (
        ["nonsense"],
        ["jobs", "nonsense"],
        ["dedup", "--nonsense"],
        ["jobs", "show", "7"],
    ):
        assert cultivar(*words).status == 2, words


def test_no_service_gets_one_clear_line(
    cultivar: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CULTIVAR_DATABASE_URL", raising=False)
    monkeypatch.setenv("CULTIVAR_HOME", str(tmp_path / "none"))
    ran = cultivar("jobs", "list")
    assert (ran.status, ran.output) == (1, b"")
    assert "cultivar serve" in ran.errors
    assert len(ran.errors.splitlines()) == 1


def test_a_full_disk_gets_one_line(cultivar: CommandLine, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    source = tmp_path / "rows.jsonl"
    source.write_text('{"instruction": "Name a tree."}\n')
    ran = cultivar("dedup", source, "--out", "/dev/full")
    assert ran.status == 1
    assert "No space left" in ran.errors.splitlines()[-1]
