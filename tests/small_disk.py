"""A real file system that is soon full; only root can have one, elsewhere the test says so."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path, mib: int) -> Iterator[Path]:
    """Mount one of so many mebibytes at a path; skips by name where that is not allowed."""
    mount = shutil.which("mount")
    place.mkdir(parents=True)
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    command = [mount, "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path, *, leaving: int = 0) -> Path:
    """Take all room but so many bytes; removing the file that is returned gives it back."""
    ballast = place / "ballast"
    with ballast.open("wb") as file:
        for block in (1 << 20, 1 << 12):
            with suppress(OSError):  # others write meanwhile, so that it may be full sooner
                while shutil.disk_usage(place).free >= leaving + block:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), block)
    return ballast
