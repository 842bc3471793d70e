"""The real trainer for tests: where it is, and a tiny base model for it."""

import os
import subprocess
from pathlib import Path

import pytest

from app.embedded.migrate import ROOT

TRAIN_PYTHON = ROOT / ".venv-train" / "bin" / "python"
needs_trainer = pytest.mark.skipif(
    not TRAIN_PYTHON.exists(), reason="no .venv-train; `python3 run.py trainer` makes it"
)
_CODE = (
    "import pathlib, sys; from tests.workers.training.tiny import make_tiny; "
    "make_tiny(pathlib.Path(sys.argv[1]), positions=int(sys.argv[2]))"
)


def make_tiny_base(folder: Path, *, positions: int = 4096) -> Path:
    """Make one of random weights, for texts of up to so many tokens; returns the folder."""
    subprocess.run(
        [TRAIN_PYTHON, "-c", _CODE, str(folder), str(positions)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return folder
