"""What a child process may take, and how it gives up everything else."""

import os
import resource
import sys
from contextlib import suppress
from dataclasses import dataclass

_NOBODY = 65534


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Time and size of one rendering; the memory is that of the whole child.

    `wall_s` is generous, because a machine under load gives no time to anybody; what a template
    uses up itself is held by `cpu_s`. A template that has ended the child `stops` times is set
    aside.
    """

    cpu_s: float = 2.0
    wall_s: float = 20.0
    memory_bytes: int = 256 << 20
    max_characters: int = 1 << 20
    stops: int = 3
    start_s: float = 60.0


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Time and size of reading one document; the memory is that of the whole child."""

    cpu_s: float = 60.0
    wall_s: float = 300.0
    memory_bytes: int = 512 << 20
    max_bytes: int = 32 << 20
    max_characters: int = 4_000_000
    max_pages: int = 5_000
    start_s: float = 60.0


def confine(memory_bytes: int) -> None:
    """Give up, for good, opening files and sockets, starting processes, and more memory than this.

    To be called in the child when all that it needs is imported.
    """
    no_core = (resource.RLIMIT_CORE, 0)
    no_files = (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NOFILE, 0)
    for kind, most in (no_core, *no_files, (resource.RLIMIT_NPROC, 0)):
        resource.setrlimit(kind, (most, most))
    if sys.platform != "darwin":  # which refuses this limit
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    if os.geteuid() == 0:
        _become_nobody()


def _become_nobody() -> None:
    """Root could take its limits back; where even root may not change its user, it stays."""
    with suppress(OSError):
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
