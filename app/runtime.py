"""What a use case may touch, built once at the start of a process and passed first."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from app.db.engine import Database
from app.domain.access import SERVICE, Actor
from app.errors import InvalidInput
from app.llm.client import Door
from app.llm.limits import LocalLimits
from app.llm.shared_limits import SharedLimits
from app.llm.vault import Vault, read_master_key
from app.settings import Settings
from app.wakeups import CeleryWake, SilentWake, Wake


@dataclass(frozen=True)
class Runtime:
    """The database, the bell, the vault of keys, the settings, and a clock for local durations.

    `actor` is on whose behalf it is used: each request and each command has a copy of its own.
    """

    settings: Settings
    database: Database
    wake: Wake
    vault: Vault
    monotonic_s: Callable[[], float] = monotonic
    actor: Actor = SERVICE

    @property
    def exports_directory(self) -> Path:
        """Where finished exports lie."""
        return self.settings.home / "exports"

    @property
    def training_directory(self) -> Path:
        """Where training runs have their folders."""
        return self.settings.home / "training"

    def on_behalf_of(self, actor: Actor) -> "Runtime":
        """The same for somebody."""
        return replace(self, actor=actor)

    def close(self) -> None:
        """Give back what is held."""
        if isinstance(self.wake, CeleryWake):
            self.wake.close()
        self.database.close()


def build_door(settings: Settings) -> Door:
    """The door to the teachers; its limits are the fleet's where there is a Redis."""
    if settings.redis_url is None:
        return Door(LocalLimits())
    return Door(SharedLimits(settings.redis_url))


def build_runtime(settings: Settings) -> Runtime:
    """A runtime from the settings; raises InvalidInput when the database is not named."""
    if settings.database_url is None:
        raise InvalidInput("Set CULTIVAR_DATABASE_URL, or start the embedded service.")
    home = settings.home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    given = settings.master_key.get_secret_value() if settings.master_key else None
    return Runtime(
        settings=settings.model_copy(update={"home": home}),
        database=Database(settings.database_url, pool_size=settings.database_pool_size),
        wake=CeleryWake(settings.redis_url) if settings.redis_url else SilentWake(),
        vault=Vault(read_master_key(given, home)),
    )
