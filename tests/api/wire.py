"""The application behind a real HTTP server, and a raw socket to be rude with."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from app.api.head_limits import LimitedHead
from tests.entry import WITH_TOKEN

READ_S = 10.0


@contextmanager
def served(app: ASGIApp) -> Iterator[int]:
    """The port on which the application is served by a thread of this process."""
    config = uvicorn.Config(
        app,
        port=0,
        http=LimitedHead,
        ws="none",
        log_level="critical",
        server_header=False,
        lifespan="off",
    )
    server = uvicorn.Server(config)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def head(method: str, path: str, *fields: str) -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *map(": ".join, WITH_TOKEN.items())]
    lines += fields
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@contextmanager
def connection(port: int) -> Iterator[socket.socket]:
    """A raw connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=READ_S) as raw:
        yield raw


def answer(raw: socket.socket) -> bytes:
    """Everything up to the close of the connection by the server."""
    received = b""
    while chunk := raw.recv(65536):
        received += chunk
    return received
