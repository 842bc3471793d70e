"""The service that `cultivar generate` works with: the one that runs, or one of its own."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from rich.console import Console

from app.cli.connection import found_settings
from app.embedded.directory import running_instance
from app.embedded.service import EmbeddedService
from app.runtime import Runtime, build_runtime
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class LocalService:
    """A runtime on a service; `check` raises when a service of our own cannot go on."""

    runtime: Runtime
    demo_url: str | None
    check: Callable[[], None]


@contextmanager
def local_service(settings: Settings, console: Console, *, demo: bool) -> Iterator[LocalService]:
    """Give the service that runs, else start one (if asked, with a demo teacher) for as long.

    Raises EmbeddedError when it cannot be started.
    """
    found = found_settings(settings)
    if found is not None:
        instance = running_instance(settings.home) if settings.database_url is None else None
        with closing(build_runtime(found)) as runtime:
            yield LocalService(runtime, instance and instance.demo_teacher_url, _trust)
        return
    teacher = () if demo else None
    with EmbeddedService(settings.home, demo_teacher=teacher, report=console.print) as service:
        own = {
            "database_url": service.postgres_url,
            "redis_url": service.redis_url,
            "home": service.home,
        }
        with closing(build_runtime(settings.model_copy(update=own))) as runtime:
            yield LocalService(runtime, service.demo_teacher_url, service.check)


def _trust() -> None:
    """Leave it to whoever started the service to watch over it."""
