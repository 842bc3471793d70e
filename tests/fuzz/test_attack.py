"""A short run of the coverage-guided attack, where its library is installed."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
@pytest.mark.parametrize("name", ["seeds", "reply"])
def test_a_short_attack(name: str, tmp_path: Path) -> None:
    assert name in TARGETS
    command = ["-m", "tests.fuzz.attack", name, "--runs=2000", f"--found={tmp_path}"]
    ran = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
