"""Sends a planned reply over ASGI, whole or in one of the ways in which it does not arrive."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, assert_never

from app.demo_teacher.plans import Delivery, Plan
from app.demo_teacher.settings import Settings

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

TRANSPORT = "cultivar.transport"
"""The scope extension under which the server's protocol hands the connection over."""

FLUSH_S = 0.02


async def respond(
    send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]]
) -> None:
    """A whole HTTP reply."""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def deliver(
    plan: Plan, settings: Settings, scope: dict[str, Any], receive: Receive, send: Send
) -> str:
    """Carry out a plan whose wait is over; gives `sent`, `client_gone` or `broken_off`."""
    transport: asyncio.Transport = scope["extensions"][TRANSPORT]
    if transport.is_closing():
        return "client_gone"
    match plan.delivery:
        case Delivery.WHOLE:
            await respond(send, plan.status, plan.body, plan.headers)
            return "sent"
        case Delivery.DRIP:
            return await _drip(plan, settings.drip_s, transport, send)
        case Delivery.HANG:
            await _hang(settings.hang_s, receive)
            return await _break_off(transport, receive)
        case Delivery.RESET_EARLY:
            return await _break_off(transport, receive)
        case Delivery.RESET_MIDWAY:
            await _start(plan, send)
            half = plan.body[: len(plan.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            await asyncio.sleep(FLUSH_S)
            return await _break_off(transport, receive)
        case _:
            assert_never(plan.delivery)


async def _start(plan: Plan, send: Send) -> None:
    headers = [*plan.headers, (b"content-length", b"%d" % len(plan.body))]
    await send({"type": "http.response.start", "status": plan.status, "headers": headers})


async def _drip(plan: Plan, drip_s: float, transport: asyncio.Transport, send: Send) -> str:
    await _start(plan, send)
    for at in range(len(plan.body)):
        await asyncio.sleep(drip_s)
        if transport.is_closing():
            return "client_gone"
        more = at + 1 < len(plan.body)
        byte = plan.body[at : at + 1]
        await send({"type": "http.response.body", "body": byte, "more_body": more})
    return "sent"


async def _hang(hang_s: float, receive: Receive) -> None:
    try:
        async with asyncio.timeout(hang_s):
            await _until_gone(receive)
    except TimeoutError:
        return


async def _break_off(transport: asyncio.Transport, receive: Receive) -> str:
    """Close with a TCP reset: unsent bytes are thrown away and the peer gets an error."""
    connection = transport.get_extra_info("socket")
    if connection is not None and not transport.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _until_gone(receive)
    return "broken_off"


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
