"""The bytes of a request body as they arrive, under a limit of size and of silence."""

import asyncio
import time
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

from app.api.errors import HttpRefusal
from app.errors import TooLarge

DEFAULT_IDLE_S = 15.0
_LINGER_S = 2.0
_LINGER_BYTES = 8 * 1024 * 1024


async def body_chunks(request: Request, max_bytes: int) -> AsyncIterator[bytes]:
    """The chunks of a body; raises TooLarge, HttpRefusal (408) and ClientDisconnect.

    A body that is too large by its own Content-Length is refused unread; one that proves too large
    on the way is refused there. `app.state.body_idle_s` is how long a client may send nothing.
    """
    if _declared(request) > max_bytes:
        raise _too_large(max_bytes)
    idle_s: float = request.app.state.body_idle_s
    received = 0
    while True:
        chunk, more = await _next(request, idle_s)
        received += len(chunk)
        if received > max_bytes:
            await _linger(request)
            raise _too_large(max_bytes)
        if chunk:
            yield chunk
        if not more:
            return


async def read_body(request: Request, max_bytes: int) -> bytes:
    """A whole body of at most `max_bytes`; raises as `body_chunks` does."""
    return b"".join([chunk async for chunk in body_chunks(request, max_bytes)])


def _declared(request: Request) -> int:
    given = request.headers.get("content-length", "")
    return int(given) if given.isdecimal() and len(given) < 19 else 0


async def _next(request: Request, idle_s: float) -> tuple[bytes, bool]:
    try:
        async with asyncio.timeout(idle_s):
            message = await request.receive()
    except TimeoutError as error:
        detail = f"Nothing came for {idle_s:g} seconds; nothing was stored. Send the body again."
        raise HttpRefusal(408, detail, headers={"Connection": "close"}) from error
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


async def _linger(request: Request) -> None:
    """Read on a little: a client still sending when we close would never see our answer."""
    deadline, left = time.monotonic() + _LINGER_S, _LINGER_BYTES
    while left > 0 and (wait_s := deadline - time.monotonic()) > 0:
        try:
            chunk, more = await _next(request, wait_s)
        except (HttpRefusal, ClientDisconnect):
            return
        if not more:
            return
        left -= len(chunk)


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"The body is larger than the limit of {max_bytes:,} bytes.")
