"""A small HTTP server in a thread whose answers a test chooses, for what no real teacher does."""

import asyncio
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import orjson
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class ScriptedTeacher:
    """Where it listens, and what arrived: monotonic time, headers and body of each request."""

    base_url: str
    arrivals: list[tuple[float, dict[str, str], bytes]] = field(default_factory=list)

    def bodies(self) -> list[dict[str, object]]:
        """The JSON bodies that arrived."""
        return [orjson.loads(body) for _, _, body in self.arrivals]


def completion(text: str = "Fine.", **more: object) -> bytes:
    """A chat reply as a teacher sends it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return orjson.dumps({"choices": [choice | {"finish_reason": "stop"}], "usage": usage} | more)


def answers(body: bytes, status: int = 200, **headers: str) -> Handler:
    """A handler that always answers the same; underscores in header names become hyphens."""

    async def handler(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=body, status=status, headers=named)

    return handler


@contextmanager
def scripted_teacher(
    handler: Handler, *, tls: ssl.SSLContext | None = None
) -> Iterator[ScriptedTeacher]:
    """Serve the handler on every path until the block ends; by https with `tls`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    teacher = ScriptedTeacher("")
    runner = asyncio.run_coroutine_threadsafe(_serve(handler, teacher, tls), loop).result()
    try:
        yield teacher
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _serve(
    handler: Handler, teacher: ScriptedTeacher, tls: ssl.SSLContext | None
) -> web.AppRunner:
    async def record(request: web.Request) -> web.StreamResponse:
        teacher.arrivals.append((time.monotonic(), dict(request.headers), await request.read()))
        return await handler(request)

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", record)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handle_signals=False, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    scheme = "http" if tls is None else "https"
    teacher.base_url = f"{scheme}://127.0.0.1:{port}/v1"
    return runner
