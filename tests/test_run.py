"""The one door answers before there is an environment, in one clear line."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.embedded.migrate import ROOT


def door(directory: Path, *arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run run.py in a copy of the repository's front, after some Python has been run."""
    for name in ("run.py", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, directory / name)
    code = f"import sys, runpy\n{before}\nsys.argv = ['run.py', *{list(arguments)!r}]\n"
    code += "runpy.run_path('run.py', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-I", "-c", code],
        cwd=directory,
        env={"PATH": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_command_it_tells_what_it_can(tmp_path: Path) -> None:
    told = door(tmp_path)
    assert told.returncode == 0
    for command in ("demo", "serve", "test", "check", "bench", "lock"):
        assert f"\n  {command}" in told.stdout


def test_a_wrong_command_is_wrong_usage(tmp_path: Path) -> None:
    told = door(tmp_path, "dmeo")
    assert told.returncode == 2
    assert told.stderr.startswith("usage:")


@pytest.mark.parametrize("version", [(3, 8, 1), (3, 10, 13), (3, 14, 0)])
def test_a_python_that_does_not_serve_is_one_line(
    tmp_path: Path, version: tuple[int, int, int]
) -> None:
    told = door(tmp_path, "demo", before=f"sys.version_info = {version}")
    assert told.returncode == 1
    wanted = f"run.py needs Python 3.11, 3.12 or 3.13; this is Python {version[0]}.{version[1]}"
    assert told.stderr.splitlines() == [wanted]


def test_a_missing_venv_module_is_one_line_that_says_what_to_install(tmp_path: Path) -> None:
    told = door(tmp_path, "demo", before="sys.modules['ensurepip'] = None")
    assert told.returncode == 1
    assert len(told.stderr.splitlines()) == 1
    assert "apt-get install python3-venv" in told.stderr


def test_without_a_standard_input_it_works_as_well(tmp_path: Path) -> None:
    told = door(tmp_path, "help", before="import os; os.close(0)")
    assert told.returncode == 0
