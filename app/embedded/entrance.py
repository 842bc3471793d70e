"""What a person is told of how to come in: an address that works once, or the first key."""

from contextlib import closing

from app.domain.access import Access
from app.embedded.service import EmbeddedService
from app.runtime import build_runtime
from app.settings import Settings
from app.use_cases import api_keys, sessions


def settings_of(service: EmbeddedService) -> Settings:
    """The settings that make a process of ours work on a running service."""
    found = {
        "database_url": service.postgres_url,
        "redis_url": service.redis_url,
        "home": service.home,
    }
    return Settings().model_copy(update=found)


def dashboard_url(service: EmbeddedService) -> str:
    """Where the dashboard is; on this machine with a ticket that logs a browser in, once."""
    if service.access is not Access.LOCAL:
        return f"{service.api_url}/"
    with closing(build_runtime(settings_of(service))) as runtime:
        return sessions.login_url(runtime, service.api_url)


def first_key(service: EmbeddedService) -> str | None:
    """A key for everything, made where keys are needed and nobody has one; else None."""
    if service.access is not Access.DEPLOYED:
        return None
    with closing(build_runtime(settings_of(service))) as runtime:
        made = api_keys.first_key(runtime)
    return None if made is None else made.text
