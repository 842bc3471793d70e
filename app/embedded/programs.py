"""The programs of the service, as command lines of this Python."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.domain.posture import Posture
from app.embedded.ports import LOOPBACK

CONCURRENCY = 4


@dataclass(frozen=True)
class Program:
    """A process of the service: what it is called in logs, and how it is started."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Front:
    """What a web process shows to others: its posture, its files for TLS, the proxies it trusts."""

    posture: Posture = field(default_factory=Posture)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: str = LOOPBACK


def api(port: int, front: Front | None = None) -> Program:
    """The web process: REST and dashboard, on the loopback address unless told otherwise."""
    front = front or Front()
    arguments = ["uvicorn", "app.main:create_app", "--factory", "--no-server-header"]
    arguments += ["--http", "app.api.head_limits:LimitedHead", "--ws", "none"]
    arguments += ["--host", front.posture.host, "--port", str(port)]
    if front.tls_certificate is not None and front.tls_key is not None:
        arguments += ["--ssl-certfile", str(front.tls_certificate)]
        arguments += ["--ssl-keyfile", str(front.tls_key)]
    # Where requests come from is believed of a proxy that we were told of, and of nobody else.
    if front.posture.behind_tls_proxy:
        arguments += ["--proxy-headers", "--forwarded-allow-ips", front.trusted_proxies]
    else:
        arguments += ["--no-proxy-headers"]
    return _module("api", *arguments)


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
