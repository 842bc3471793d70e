"""What a use case may touch, built once at the start of a process and passed first."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from app.db.engine import Database
from app.domain.access import SERVICE, Actor
from app.errors import InvalidInput
from app.llm.addresses import read_allowed
from app.llm.client import Door
from app.llm.guard import Guard
from app.llm.limits import LocalLimits
from app.llm.master_keys import Keys, filed_keys, given_keys
from app.llm.shared_limits import SharedLimits
from app.llm.vault import Vault
from app.settings import Settings
from app.wakeups import CeleryWake, SilentWake, Wake


@dataclass(frozen=True)
class Runtime:
    """The database, the bell, the vault of keys, the settings, a clock for local durations, and
    the guard of where teachers may be.

    `actor` is on whose behalf it is used: each request and each command has a copy of its own.
    """

    settings: Settings
    database: Database
    wake: Wake
    vault: Vault
    monotonic_s: Callable[[], float] = monotonic
    actor: Actor = SERVICE
    guard: Guard = field(default_factory=Guard)

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
    guard = build_guard(settings)
    if settings.redis_url is None:
        return Door(LocalLimits(), guard)
    return Door(SharedLimits(settings.redis_url), guard)


def build_guard(settings: Settings) -> Guard:
    """Where teachers may be: as the operator says, and what the operator's own variables name.

    Raises InvalidInput for a list that cannot be read.
    """
    ours = (settings.demo_teacher_url, settings.openai_base_url)
    try:
        named = [_place(url) for url in ours if url]
        allowed = read_allowed(",".join([settings.teacher_networks, *named]))
    except ValueError as error:
        raise InvalidInput(
            f"CULTIVAR_TEACHER_NETWORKS, or a teacher's address beside it, cannot be read: {error}."
        ) from None
    stores = (_port(settings.database_url, 5432), _port(settings.redis_url, 6379))
    return Guard(allowed, stores=[port for port in stores if port], api_port=settings.port)


def _master_keys(settings: Settings, home: Path) -> Keys:
    if settings.master_key is None:
        return filed_keys(home)
    previous = settings.previous_master_key
    return given_keys(
        settings.master_key.get_secret_value(),
        previous.get_secret_value() if previous is not None else None,
    )


def _place(url: str) -> str:
    """Where an operator's own address of a teacher leads, as an entry of the list."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    usual = 80 if parts.scheme == "http" else 443
    return host if not host or ":" in host else f"{host}:{parts.port or usual}"


def _port(url: str | None, usual: int) -> int | None:
    if url is None:
        return None
    try:
        return urlsplit(url).port or usual
    except ValueError:  # several hosts, which drivers read in ways of their own
        return usual


def build_runtime(settings: Settings) -> Runtime:
    """A runtime from the settings; raises InvalidInput when the database is not named."""
    if settings.database_url is None:
        raise InvalidInput("Set CULTIVAR_DATABASE_URL, or start the embedded service.")
    home = settings.home.resolve()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Runtime(
        settings=settings.model_copy(update={"home": home}),
        database=Database(settings.database_url, pool_size=settings.database_pool_size),
        wake=CeleryWake(settings.redis_url) if settings.redis_url else SilentWake(),
        vault=Vault(_master_keys(settings, home), home),
        guard=build_guard(settings),
    )
