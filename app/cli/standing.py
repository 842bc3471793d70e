"""The database that `backup` and `restore` work on: a service's, or that of a folder at rest."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from app.cli.connection import found_settings
from app.embedded.directory import running_instance
from app.embedded.servers import EmbeddedServers
from app.errors import Conflict
from app.runtime import Runtime, build_runtime
from app.settings import Settings


@contextmanager
def any_service() -> Iterator[Runtime]:
    """The service that is named or runs here, else the database of HOME, started for as long."""
    settings = Settings()
    found = found_settings(settings)
    if found is None:
        with _own_database(settings) as runtime:
            yield runtime
        return
    with closing(build_runtime(found)) as runtime:
        yield runtime


@contextmanager
def service_at_rest() -> Iterator[Runtime]:
    """The same, without a service that runs here; raises Conflict when there is one."""
    settings = Settings()
    if settings.database_url is None and running_instance(settings.home) is not None:
        raise Conflict(
            f"A service runs in {settings.home}. Stop it first, then restore.",
            code="service_running",
        )
    with any_service() as runtime:
        yield runtime


@contextmanager
def _own_database(settings: Settings) -> Iterator[Runtime]:
    with EmbeddedServers(settings.home) as servers:
        own = {"database_url": servers.postgres_url, "redis_url": None, "home": servers.home}
        with closing(build_runtime(settings.model_copy(update=own))) as runtime:
            yield runtime
