"""The one door answers before there is an environment, in one clear line."""

import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import run
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
    for command in ("demo", "serve", "test", "check", "trainer", "bench", "lock"):
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


LINUX_GPU = "nvidia-cublas==13.1; platform_system == 'Linux'"


@pytest.mark.skipif(sys.platform != "linux", reason="the names come with markers for Linux")
@pytest.mark.parametrize(
    ("requires", "needed"),
    [
        (["filelock", LINUX_GPU], True),
        (["cuda-toolkit[cublas]==13.0.3; platform_system == 'Linux'"], True),
        (["filelock", "sympy>=1.13"], False),
        ([f"nvidia-cublas; platform_machine == '{platform.machine()}'"], True),
        (["nvidia-cublas; platform_machine == 'sparc'"], False),
    ],
)
def test_a_torch_for_gpus_is_known_by_what_it_requires(requires: list[str], needed: bool) -> None:
    report = {"install": [{"metadata": {"requires_dist": requires}}]}
    assert run.needs_gpu_libraries(json.dumps(report)) is needed
    assert not run.needs_gpu_libraries(json.dumps({"install": [{"metadata": {}}]}))


def test_without_a_standard_input_it_works_as_well(tmp_path: Path) -> None:
    told = door(tmp_path, "help", before="import os; os.close(0)")
    assert told.returncode == 0
