"""Finds out who presents a key, a token or a session, and forgets it again within two seconds.

What is remembered spares Postgres a question per request; that it is forgotten so soon is what
makes a revoked key worthless on every process in less than five seconds.
"""

import hashlib
import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from app.db import api_keys as key_queries
from app.db import sessions as session_queries
from app.domain.access import ALL_SCOPES, Access, Actor, ActorKind, Scope
from app.domain.api_keys import LOCAL_MARK, ApiKey, prefix_of
from app.runtime import Runtime
from app.use_cases.local_token import local_token

FRESH_S = 2.0
USE_NOTED_EVERY_S = 60.0
_REMEMBERED = 10_000
_NO_DIGEST = bytes(32)
_ANYBODY = Actor(ActorKind.TOKEN, "anybody", ALL_SCOPES)
TOKEN = Actor(ActorKind.TOKEN, "token", ALL_SCOPES)


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request brought: a key or token from its header, or else a session from its cookie."""

    secret: str | None = None
    session: str | None = None


class KeyRing:
    """Who is who, for one web process; safe to share between threads."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._access = Access(runtime.settings.access)
        local = self._access is Access.LOCAL
        self._token = local_token(runtime.settings.home) if local else None
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, tuple[Actor, float]] = OrderedDict()
        self._noted_s: dict[UUID, float] = {}
        self._seen_prefixes: set[str] = set()

    def at_once(self, presented: Presented) -> Actor | None:
        """Who it is, where that is known without asking Postgres; else None."""
        if self._access is Access.OPEN:
            return _ANYBODY
        if presented.secret is not None and self._is_token(presented.secret):
            return TOKEN
        with self._lock:
            actor, until_s = self._known.get(_name(presented), (None, 0.0))
        return actor if until_s > self._runtime.monotonic_s() else None

    def find(self, presented: Presented) -> Actor | None:
        """Who it is, asked of Postgres; None for nobody. Raises Unavailable."""
        if presented.secret is not None:
            actor = self._by_key(presented.secret)
        elif presented.session is not None:
            actor = self._by_session(presented.session)
        else:
            actor = None
        self._remember(presented, actor)
        return actor

    def forget(self, presented: Presented) -> None:
        """Ask Postgres the next time."""
        with self._lock:
            self._known.pop(_name(presented), None)

    def knows_prefix(self, prefix: str) -> bool:
        """Whether a key with this public part was found here before."""
        return prefix in self._seen_prefixes

    def _is_token(self, secret: str) -> bool:
        given = secret.encode("utf-8", "replace")
        return self._token is not None and hmac.compare_digest(given, self._token.encode())

    def _by_key(self, secret: str) -> Actor | None:
        prefix = prefix_of(secret)
        if prefix is None:
            return None
        with self._runtime.database.transaction() as connection:
            found = key_queries.print_of(connection, prefix)
            stored = _NO_DIGEST if found is None else found.digest
            same = hmac.compare_digest(self._runtime.vault.digest(secret), stored)
            if found is None:
                return None
            self._seen_prefixes.add(prefix)
            if not (same and found.good):
                return None
            if self._is_due(found.key.id):
                key_queries.note_use(connection, found.key.id)
        return actor_of(found.key)

    def _by_session(self, session: str) -> Actor | None:
        digest = self._runtime.vault.digest(session[:200])
        with self._runtime.database.transaction() as connection:
            good, key = session_queries.key_of(connection, digest)
        if not good:
            return None
        if key is not None:
            return actor_of(key)
        return TOKEN if self._access is Access.LOCAL else None

    def _is_due(self, key_id: UUID) -> bool:
        now_s = self._runtime.monotonic_s()
        with self._lock:
            if now_s - self._noted_s.get(key_id, -USE_NOTED_EVERY_S) < USE_NOTED_EVERY_S:
                return False
            self._noted_s[key_id] = now_s
        return True

    def _remember(self, presented: Presented, actor: Actor | None) -> None:
        name = _name(presented)
        with self._lock:
            self._known.pop(name, None)
            if actor is not None:
                self._known[name] = (actor, self._runtime.monotonic_s() + FRESH_S)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


def actor_of(key: ApiKey) -> Actor:
    """Whoever holds a key; a scope that a later version gave it counts for nothing here."""
    known = set(map(str, Scope))
    return Actor(
        ActorKind.KEY,
        key.prefix,
        frozenset(Scope(each) for each in key.scopes if each in known),
        key.id,
        requests_per_minute=key.requests_per_minute,
        jobs_per_day=key.jobs_per_day,
    )


def shown_prefix(secret: str) -> str:
    """The public part of what was presented, for counting tries; nothing of what has none."""
    if secret.startswith(LOCAL_MARK):
        return "local"
    return prefix_of(secret) or ""


def _name(presented: Presented) -> bytes:
    kind, secret = ("k", presented.secret) if presented.secret else ("s", presented.session or "")
    return hashlib.sha256(f"{kind}{secret}".encode("utf-8", "replace")).digest()
