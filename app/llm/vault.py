"""Teacher keys at rest: sealed with AES-256-GCM and bound to the teacher and its origin."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import Conflict, InvalidInput

_NONCE_BYTES = 12
_KEY_BYTES = 32
_PEPPER = b"cultivar api keys 1"


def origin(base_url: str) -> str:
    """Scheme, host and port of a URL: what a key may be sent to."""
    parts = urlsplit(base_url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.hostname or ''}:{port}"


class Vault:
    """Seals and opens keys; a sealed key opens only for the same teacher and the same origin."""

    def __init__(self, master_key: bytes) -> None:
        self._cipher = AESGCM(master_key)
        self._pepper = hmac.digest(master_key, _PEPPER, hashlib.sha256)

    def digest(self, secret: str) -> bytes:
        """What is stored of a secret that we gave out: HMAC-SHA-256 under a key of our own.

        A fast hash suits secrets of 32 random bytes; without the master key it says nothing.
        """
        return hmac.digest(self._pepper, secret.encode(), hashlib.sha256)

    def seal(self, key: str, teacher_id: UUID, base_url: str) -> bytes:
        """The key as stored: nonce, ciphertext, tag."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key.encode(), _bound(teacher_id, base_url))

    def open(self, sealed: bytes, teacher_id: UUID, base_url: str) -> str:
        """The key again; raises Conflict when the master key or the origin is another one."""
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, ciphertext, _bound(teacher_id, base_url)).decode()
        except InvalidTag as error:
            raise Conflict(
                "The stored key of this teacher cannot be opened with the present master key. "
                "Enter the key again.",
                code="key_reentry_required",
            ) from error


def _bound(teacher_id: UUID, base_url: str) -> bytes:
    return f"{teacher_id}|{origin(base_url)}".encode()


def read_master_key(given: str | None, home: Path) -> bytes:
    """32 bytes from base64 text, else from HOME/master.key, which is made (0600) when absent."""
    if given is not None:
        return _decode(given, "CULTIVAR_MASTER_KEY")
    path = home / "master.key"
    if not path.exists():
        _make(path)
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InvalidInput(f"{path} can be read by others. Mend it: chmod 600 {path}")
    return _decode(path.read_text(), str(path))


def _decode(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise InvalidInput(f"{where} must hold {_KEY_BYTES} bytes in base64.")
    return key


def _make(path: Path) -> None:
    """Write a fresh key; of several processes that try at once, one wins and all read its key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
