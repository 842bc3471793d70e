"""The programs of the service, as command lines of this Python."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from app.embedded.ports import LOOPBACK

CONCURRENCY = 4


@dataclass(frozen=True)
class Program:
    """A process of the service: what it is called in logs, and how it is started."""

    name: str
    arguments: tuple[str, ...]


def api(port: int) -> Program:
    """The web process: REST and dashboard on the loopback address."""
    arguments = ("uvicorn", "app.main:create_app", "--factory", "--no-server-header")
    return _module("api", *arguments, "--host", LOOPBACK, "--port", str(port))


def worker(name: str, queues: Sequence[str], concurrency: int = CONCURRENCY) -> Program:
    """A Celery worker on these queues; its work is waiting, so threads serve it best."""
    return _module(
        name,
        "celery",
        "--app=workers.celery_app:celery_app",
        "worker",
        f"--queues={','.join(queues)}",
        "--pool=threads",
        f"--concurrency={concurrency}",
        f"--hostname={name}@%h",
        "--without-gossip",
        "--without-mingle",
        "--loglevel=INFO",
    )


def demo_teacher(port: int, arguments: Sequence[str]) -> Program:
    """The scripted teacher on the loopback address."""
    return _module("demo-teacher", "app.demo_teacher", "--port", str(port), *arguments)


def _module(name: str, *arguments: str) -> Program:
    return Program(name, (sys.executable, "-m", *arguments))
