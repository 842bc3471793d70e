"""A way to Postgres that can hide the answer to a COMMIT: it went through, and nobody is told."""

import asyncio
import random
import threading
from dataclasses import dataclass, field

from app.embedded.ports import LOOPBACK

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"  # a simple query, as psycopg ends a transaction


@dataclass
class PostgresProxy:
    """Listens on a port of its own and passes everything on to Postgres and back.

    While `share` is above 0, that part of all COMMITs is carried out and then both ends of the
    connection are cut before the client hears of it; `hidden` counts them, `most` ends it.
    """

    target: int
    seed: int = 0
    share: float = 0.0
    most: int = 0
    hidden: int = 0
    port: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def hide(self, share: float, most: int) -> None:
        """Begin to hide COMMITs."""
        self.hidden, self.most, self.share = 0, most, share

    def close(self) -> None:
        """Cut every connection."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _end(self) -> None:
        self._server.close()
        while tasks := [*self._tasks]:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            server = await asyncio.open_connection(LOOPBACK, self.target)
            await _Connection(self, (reader, writer), server).run()
        except (OSError, asyncio.CancelledError):
            return
        finally:
            writer.close()
            self._tasks.discard(task)

    def chooses(self) -> bool:
        """Whether the COMMIT that has just been sent shall be hidden."""
        if self.hidden >= self.most or self._random.random() >= self.share:
            return False
        self.hidden += 1
        return True


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Connection:
    """One client and its connection to Postgres."""

    def __init__(self, proxy: PostgresProxy, client: Ends, server: Ends) -> None:
        self._proxy = proxy
        self._client, self._server = client, server
        self._hiding = False

    async def run(self) -> None:
        """Pass on what comes from either end, until one of them is gone."""
        ways = [asyncio.create_task(self._up()), asyncio.create_task(self._down())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for _, writer in (self._client, self._server):
                writer.transport.abort()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _up(self) -> None:
        reader, writer = self._client[0], self._server[1]
        while data := await reader.read(1 << 16):
            if COMMIT in data and self._proxy.share and self._proxy.chooses():
                self._hiding = True
            writer.write(data)
            await writer.drain()

    async def _down(self) -> None:
        reader, writer = self._server[0], self._client[1]
        while data := await reader.read(1 << 16):
            if self._hiding:
                return  # Postgres has answered, so the COMMIT is done; the client never hears it
            writer.write(data)
            await writer.drain()
