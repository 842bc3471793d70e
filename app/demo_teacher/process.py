"""Runs the demo teacher as a process of its own: socket, event loop, ready line, parent watch."""

import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.demo_teacher.application import Application
from app.demo_teacher.delivery import TRANSPORT
from app.demo_teacher.grammar.script import GrammarScript
from app.demo_teacher.replay import RecordedStep, ReplayScript, read_replies
from app.demo_teacher.script import Script
from app.demo_teacher.settings import ScriptKind, Settings
from app.demo_teacher.teacher import Teacher

BACKLOG = 4096
KEEP_ALIVE_S = 120
PARENT_CHECK_S = 0.5
SHUTDOWN_S = 1


class OpenHandedProtocol(HttpToolsProtocol):
    """The server's HTTP protocol, which also hands its transport to the application."""

    def on_message_begin(self) -> None:
        """Add the transport to the scope of the request that begins."""
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope["extensions"] = {TRANSPORT: self.transport}


def build_script(settings: Settings) -> Script:
    """The script that the settings ask for; ReplayFileError when a file cannot be read."""
    grammar = GrammarScript(settings)
    if settings.script is ScriptKind.GRAMMAR:
        return grammar
    steps = {
        step: RecordedStep(read_replies(path), wrap=settings.replay_wrap)
        for step, path in settings.replay
    }
    return ReplayScript(steps, otherwise=grammar)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; OSError when the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    return bound


def run(settings: Settings) -> None:
    """Serve until a signal comes, or until the parent is gone where that was asked for."""
    parent = os.getppid()
    teacher = Teacher(settings, build_script(settings))
    bound = listen(settings.host, settings.port)
    config = uvicorn.Config(
        Application(teacher),  # type: ignore[arg-type]
        loop="uvloop",
        http=OpenHandedProtocol,
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    server = uvicorn.Server(config)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(server, bound, settings, parent))


async def _serve(
    server: uvicorn.Server, bound: socket.socket, settings: Settings, parent: int
) -> None:
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    if server.started:
        _announce(settings, bound.getsockname()[1])
    watching = settings.parent_death and asyncio.create_task(_watch_parent(server, parent))
    await serving
    if watching:
        watching.cancel()


def _announce(settings: Settings, port: int) -> None:
    if settings.port_file is not None:
        _write_whole(settings.port_file, str(port))
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    sys.stdout.write(f"demo teacher ready at http://{host}:{port}/v1\n")
    sys.stdout.flush()


def _write_whole(path: Path, text: str) -> None:
    """Write a file that nobody sees half written."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text)
    beside.replace(path)


async def _watch_parent(server: uvicorn.Server, parent: int) -> None:
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_CHECK_S)
    server.should_exit = True
