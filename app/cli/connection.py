"""Where the command line finds the service: the database named to it, or the one that runs here."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from app.domain.access import ALL_SCOPES, Actor, ActorKind
from app.embedded.directory import running_instance
from app.errors import Unavailable
from app.runtime import Runtime, build_runtime
from app.settings import Settings


@contextmanager
def connected() -> Iterator[Runtime]:
    """Give a runtime and close it; raises Unavailable when there is no service to work with."""
    settings = Settings()
    found = found_settings(settings)
    if found is None:
        raise Unavailable(
            f"No service runs in {settings.home}. Start one with `cultivar serve`, or set "
            "CULTIVAR_HOME to the directory of the one that runs, or CULTIVAR_DATABASE_URL."
        )
    runtime = build_runtime(found)
    try:
        yield runtime.on_behalf_of(command_line())
    finally:
        runtime.close()


def command_line() -> Actor:
    """Whoever types: the account of this process, who may do everything."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return Actor(ActorKind.COMMAND_LINE, name, ALL_SCOPES)


def running_url() -> str | None:
    """Where the service of this directory answers; None when none runs."""
    instance = running_instance(Settings().home)
    return None if instance is None else instance.api_url


def found_settings(settings: Settings) -> Settings | None:
    """The settings completed with the addresses of the service; None when none is to be found."""
    if settings.database_url is not None:
        return settings
    instance = running_instance(settings.home)
    if instance is None:
        return None
    found = {
        "database_url": instance.postgres_url,
        "redis_url": instance.redis_url,
        "home": Path(instance.home),
        "port": urlsplit(instance.api_url or "").port or settings.port,
    }
    return settings.model_copy(update=found)
