"""The service that `cultivar generate` works with: the one that runs, or one of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from rich.console import Console

from app.cli.connection import command_line, found_settings
from app.embedded.beside import demo_teacher_beside
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
    """Give the service that runs, else start one for as long; if asked, with a demo teacher.

    A service that is known by its database alone may have its workers anywhere, where a teacher
    of ours cannot be reached, so that one gets none.

    Raises EmbeddedError when it cannot be started.
    """
    found = found_settings(settings)
    if found is not None:
        instance = running_instance(settings.home) if settings.database_url is None else None
        url = instance and instance.demo_teacher_url
        with ExitStack() as open_, closing(build_runtime(found)) as runtime:
            check = _trust
            if demo and instance is not None and url is None:
                console.print("starting a demo teacher beside the service that runs")
                beside = open_.enter_context(demo_teacher_beside(settings.home))
                url, check = beside.base_url, beside.check
            yield LocalService(runtime.on_behalf_of(command_line()), url, check)
        return
    teacher = () if demo else None
    with EmbeddedService(settings.home, demo_teacher=teacher, report=console.print) as service:
        own = {
            "database_url": service.postgres_url,
            "redis_url": service.redis_url,
            "home": service.home,
        }
        with closing(build_runtime(settings.model_copy(update=own))) as runtime:
            ours = runtime.on_behalf_of(command_line())
            yield LocalService(ours, service.demo_teacher_url, service.check)


def _trust() -> None:
    """Leave it to whoever started the service to watch over it."""
