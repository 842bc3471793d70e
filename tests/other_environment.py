"""Virtual environments for real counterparts whose packages ours cannot or should not hold."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class UnavailableError(Exception):
    """The packages cannot be had here; the message says why."""


def cache_folder() -> Path:
    """Where such environments outlive a run."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "cultivar" / "environments"


def python_with(name: str, packages: Sequence[str]) -> Path:
    """The Python of the environment so named, made by pip where it is not there yet.

    Made anew when the packages asked for have changed; one process makes it, others wait.
    """
    folder = cache_folder() / name
    folder.mkdir(parents=True, exist_ok=True)
    made, python = folder / "packages.json", folder / "environment/bin/python"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists() or json.loads(made.read_text()) != list(packages):
            made.unlink(missing_ok=True)
            _run([sys.executable, "-m", "venv", "--clear", str(folder / "environment")])
            _run([str(python), "-m", "pip", "install", "--quiet", *packages])
            made.write_text(json.dumps(list(packages)))
    return python


def _run(command: Sequence[str]) -> None:
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode:
        said = (ended.stderr or ended.stdout).strip().splitlines() or ["no word of why"]
        raise UnavailableError(f"{' '.join(command[1:4])} failed: {said[-1]}")
