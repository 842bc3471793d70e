"""The master keys that seal teachers' keys: from a variable or a private file, the newest first."""

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from app.errors import InvalidInput

KEY_BYTES = 32
FILE, PREVIOUS, PEPPER = "master.key", "master.key.previous", "api-keys.pepper"
Keys = Callable[[], Sequence[bytes]]


def given_keys(current: str, previous: str | None) -> Keys:
    """Keys in base64 from variables; raises InvalidInput."""
    keys = [_decode(current, "CULTIVAR_MASTER_KEY")]
    if previous is not None:
        keys.append(_decode(previous, "CULTIVAR_PREVIOUS_MASTER_KEY"))
    return lambda: keys


def filed_keys(home: Path) -> Keys:
    """Keys from HOME, read anew at each call, so that a rotation reaches running processes."""

    def read() -> Sequence[bytes]:
        current = read_master_key(None, home)
        previous = home / PREVIOUS
        return [current, _read(previous)] if previous.exists() else [current]

    return read


def read_master_key(given: str | None, home: Path) -> bytes:
    """32 bytes from base64 text, else from HOME/master.key, which is made (0600) when absent."""
    if given is not None:
        return _decode(given, "CULTIVAR_MASTER_KEY")
    path = home / FILE
    if not path.exists():
        _make(path)
    return _read(path)


def begin_rotation(home: Path) -> bool:
    """Put a fresh key in place and keep the old one beside it; False when that was done before.

    Killed anywhere in between, the file holds the old key or the new one, and the old one is there.
    """
    path, previous = home / FILE, home / PREVIOUS
    old = read_master_key(None, home)
    if previous.exists() and _read(previous) != old:
        return False
    fresh = _written(path)
    if not previous.exists():
        os.link(path, previous)
    fresh.replace(path)
    _sync(home)
    return True


def kept_pepper(home: Path) -> bytes | None:
    """What digests were made under before the master key changed; None when it never did."""
    path = home / PEPPER
    return _read(path) if path.exists() else None


def keep_pepper(home: Path, pepper: bytes) -> None:
    """Keep what digests are made under, unless it is kept already."""
    path = home / PEPPER
    if path.exists():
        return
    fresh = _written(path, pepper)
    fresh.replace(path)
    _sync(home)


def forget_previous(home: Path) -> bool:
    """Remove the old key; False when there is none."""
    previous = home / PREVIOUS
    known = previous.exists()
    previous.unlink(missing_ok=True)
    return known


def _read(path: Path) -> bytes:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InvalidInput(f"{path} can be read by others. Mend it: chmod 600 {path}")
    return _decode(path.read_text(), str(path))


def _decode(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise InvalidInput(f"{where} must hold {KEY_BYTES} bytes in base64.")
    return key


def _make(path: Path) -> None:
    """Write a fresh key; of several processes that try at once, one wins and all read its key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = _written(path)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _written(path: Path, key: bytes | None = None) -> Path:
    """A file beside `path` with a key in it, a fresh one if none is given, on the disk."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(key or secrets.token_bytes(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return fresh


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
