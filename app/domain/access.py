"""Who may do what: the scopes that a key can hold, and who is at work."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID


class Scope(StrEnum):
    """What a key lets its holder do; writing includes reading, `admin` includes everything."""

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    DATASETS_READ = "datasets:read"
    DATASETS_WRITE = "datasets:write"
    TEACHERS_WRITE = "teachers:write"
    TRAIN = "train"
    ADMIN = "admin"


class Access(StrEnum):
    """How a web process lets people in.

    `local`: by the token in HOME, or by API keys; loopback only. `deployed`: by API keys alone;
    caps and idempotency keys are required. `open`: everybody on this machine.
    """

    LOCAL = "local"
    DEPLOYED = "deployed"
    OPEN = "open"


ALL_SCOPES = frozenset(Scope)
_INCLUDED = {
    Scope.JOBS_WRITE: Scope.JOBS_READ,
    Scope.DATASETS_WRITE: Scope.DATASETS_READ,
}


def allows(held: Iterable[Scope], wanted: Scope) -> bool:
    """Whether scopes let their holder do what needs `wanted`."""
    scopes = set(held)
    if Scope.ADMIN in scopes:
        return True
    return wanted in scopes or any(_INCLUDED.get(each) is wanted for each in scopes)


class ActorKind(StrEnum):
    """What sort of somebody is at work."""

    SERVICE = "service"
    COMMAND_LINE = "command_line"
    TOKEN = "token"  # noqa: S105 - a kind, not a secret
    KEY = "key"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is at work, for the audit log and for quotas; `address` is where the request came from.

    `name` is the key's public part, the account of the command line, or nothing.
    `jobs_per_day` is how many jobs it may submit in 24 hours; None: any number.
    """

    kind: ActorKind
    name: str = ""
    scopes: frozenset[Scope] = frozenset()
    key_id: UUID | None = None
    address: str = ""
    requests_per_minute: int | None = None
    jobs_per_day: int | None = None

    def at(self, address: str) -> "Actor":
        """The same, known to come from an address."""
        return replace(self, address=address)


SERVICE = Actor(ActorKind.SERVICE, scopes=ALL_SCOPES)
NOBODY = Actor(ActorKind.NOBODY)
