"""The files that pages need, read once: each is named with its content, so browsers keep it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_STATIC = Path(__file__).parent / "static"
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file; `tag` changes with its content."""

    data: bytes
    media_type: str
    tag: str


@cache
def files() -> Mapping[str, StaticFile]:
    """All of them by name."""
    return {path.name: _read(path) for path in sorted(_STATIC.iterdir())}


def _read(path: Path) -> StaticFile:
    data = path.read_bytes()
    tag = hashlib.blake2b(data, digest_size=6).hexdigest()
    return StaticFile(data, _MEDIA_TYPES[path.suffix], tag)


def address(name: str) -> str:
    """Where a page finds the file."""
    return f"/dashboard/static/{name}?v={files()[name].tag}"
