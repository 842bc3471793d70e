"""An uploaded body put down in a file that nobody else sees and that no crash leaves behind."""

import base64
import binascii
import contextlib
import errno
import hashlib
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from anyio import to_thread
from starlette.requests import Request

from app.api.body_stream import body_chunks
from app.errors import InsufficientStorage, MalformedRequest

_WRITE_BYTES = 1024 * 1024
_READ_BYTES = 256 * 1024
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]*):")


@asynccontextmanager
async def uploaded(
    request: Request, directory: Path, max_bytes: int
) -> AsyncIterator[Iterator[bytes]]:
    """The body as chunks to be read in a thread, once all of it is here; gone afterwards.

    Raises what `body_chunks` raises, MalformedRequest when the body is not what its Content-Digest
    says, and InsufficientStorage. The file has no name from the start, so a killed process leaves
    nothing.
    """
    expected = _expected_digest(request.headers.get("content-digest", ""))
    file = await to_thread.run_sync(_open, directory)
    try:
        digest = await _receive(request, file, max_bytes)
        if expected is not None and digest != expected:
            detail = "The body is not what its Content-Digest says; nothing was stored."
            raise MalformedRequest(detail, code="digest_mismatch")
        await to_thread.run_sync(file.seek, 0)
        yield iter(lambda: file.read(_READ_BYTES), b"")
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise InsufficientStorage("The disk has no room for this upload.") from error
        raise
    finally:
        _close(file)


def _open(directory: Path) -> IO[bytes]:
    directory.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=directory, buffering=_WRITE_BYTES)


def _close(file: IO[bytes]) -> None:
    """Close a file whose unwritten rest a full disk may refuse once more; it is not wanted."""
    with contextlib.suppress(OSError):
        file.close()


async def _receive(request: Request, file: IO[bytes], max_bytes: int) -> bytes:
    digest = hashlib.sha256()
    waiting = bytearray()

    def put_down(data: bytes) -> None:
        digest.update(data)
        file.write(data)

    async for chunk in body_chunks(request, max_bytes):
        waiting += chunk
        if len(waiting) >= _WRITE_BYTES:
            await to_thread.run_sync(put_down, bytes(waiting))
            waiting.clear()
    await to_thread.run_sync(put_down, bytes(waiting))
    await to_thread.run_sync(file.flush)
    return digest.digest()


def _expected_digest(header: str) -> bytes | None:
    """The SHA-256 that a Content-Digest header (RFC 9530) names; other digests are not checked."""
    found = _DIGEST.search(header)
    if found is None:
        return None
    try:
        return base64.b64decode(found[1], validate=True)
    except binascii.Error as error:
        detail = "The Content-Digest cannot be read: sha-256=:<base64>: is meant."
        raise MalformedRequest(detail, code="digest_mismatch") from error
