"""Which processes of an instance are still there."""

import os
from pathlib import Path


def remains(home: Path) -> list[str]:
    """The command lines of processes that name the directory, or have it in their environment."""
    marks = (f"CULTIVAR_HOME={home}".encode(), str(home).encode())
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            command = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # gone, or somebody else's
        if marks[0] in environment or marks[1] in command:
            found.append(command.replace(b"\0", b" ").decode("utf-8", "replace"))
    return found
