"""Teacher keys at rest: sealed with AES-256-GCM and bound to the teacher and its origin."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import Conflict
from app.llm.master_keys import Keys, kept_pepper

_NONCE_BYTES = 12
_PEPPER = b"cultivar api keys 1"
_MARK = b"cv1"
_ID_BYTES = 8
_HEAD_BYTES = len(_MARK) + _ID_BYTES


def origin(base_url: str) -> str:
    """Scheme, host and port of a URL: what a key may be sent to."""
    parts = urlsplit(base_url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.hostname or ''}:{port}"


class Vault:
    """Seals and opens keys; a sealed key opens only for the same teacher and the same origin.

    A sealed key tells which master key sealed it, by a digest. `keys` is the master key, or gives
    all that may be in use, the newest first: with several, a rotation is under way. What digests
    are made under is no master key: it is kept in `home` once the master key changes.
    """

    def __init__(self, keys: bytes | Keys, home: Path | None = None) -> None:
        self._read: Keys = (lambda: [keys]) if isinstance(keys, bytes) else keys
        self._keys: Sequence[bytes] = ()  # read when first needed: some processes have none
        self._home = home

    def digest(self, secret: str) -> bytes:
        """What is stored of a secret that we gave out: HMAC-SHA-256 under a key of our own.

        A fast hash suits secrets of 32 random bytes; without that key it says nothing.
        """
        return hmac.digest(self.pepper, secret.encode(), hashlib.sha256)

    @cached_property
    def pepper(self) -> bytes:
        """What digests are made under: kept from before the first rotation, or of the oldest key.

        It never changes, or the keys that we gave out would be worth nothing.
        """
        kept = kept_pepper(self._home) if self._home is not None else None
        return kept or hmac.digest(self._read()[-1], _PEPPER, hashlib.sha256)

    def seal(self, key: str, teacher_id: UUID, base_url: str) -> bytes:
        """The key as stored: a mark, the master key's id, nonce, ciphertext, tag."""
        self._keys = self._read()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        master_key = self._keys[0]
        sealed = AESGCM(master_key).encrypt(nonce, key.encode(), _bound(teacher_id, base_url))
        return _head(master_key) + nonce + sealed

    def open(self, sealed: bytes, teacher_id: UUID, base_url: str) -> str:
        """The key again; raises Conflict when the master key or the origin is another one."""
        if not any(sealed.startswith(_head(key)) for key in self._keys):
            self._keys = self._read()  # another process may have begun a rotation
        for master_key, body in self._ways(sealed):
            nonce, ciphertext = body[:_NONCE_BYTES], body[_NONCE_BYTES:]
            try:
                opened = AESGCM(master_key).decrypt(nonce, ciphertext, _bound(teacher_id, base_url))
            except (InvalidTag, ValueError):
                continue
            return opened.decode()
        raise Conflict(
            "The stored key of this teacher cannot be opened with the present master key. "
            "Enter the key again.",
            code="key_reentry_required",
        )

    def newest(self) -> bytes:
        """How every key begins that the newest master key has sealed."""
        self._keys = self._read()
        return _head(self._keys[0])

    def _ways(self, sealed: bytes) -> Iterator[tuple[bytes, bytes]]:
        for master_key in self._keys:
            if sealed.startswith(_head(master_key)):
                yield master_key, sealed[_HEAD_BYTES:]
        for master_key in self._keys:  # sealed before keys told by which
            yield master_key, sealed


def _head(master_key: bytes) -> bytes:
    return _MARK + hashlib.sha256(b"cultivar master key " + master_key).digest()[:_ID_BYTES]


def _bound(teacher_id: UUID, base_url: str) -> bytes:
    return f"{teacher_id}|{origin(base_url)}".encode()
