"""The desk at the entrance: who comes in, how often one may try, and how much a key may ask."""

from math import ceil

from anyio import to_thread

from app.domain.access import NOBODY, Actor
from app.errors import RateLimited, Unauthenticated
from app.rates import Buckets, Limit, Taken
from app.runtime import Runtime
from app.use_cases import audit, sessions
from app.use_cases.keyring import TOKEN, KeyRing, Presented, shown_prefix

# Failed tries from one address with one key's public part, which is all of them without any.
TRIES = Limit(20, 120.0)
_MINUTE_S = 60.0
COST_OF_CHANGE = 5
_WRONG = "The key is not good here. Make one with `cultivar keys create`, or use the token in HOME."


class Desk:
    """One for each web process. Raises Unavailable where Postgres must be asked and is away."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ring = KeyRing(runtime)
        self._buckets = Buckets(runtime.settings.redis_url)

    async def identify(self, presented: Presented, address: str) -> Actor | None:
        """Who presents this; None for nobody. Raises RateLimited after too many failed tries."""
        actor = self._ring.at_once(presented)
        if actor is not None or presented == Presented():
            return actor
        if presented.secret is None:  # sessions end by themselves, and nobody guesses one
            return await to_thread.run_sync(self._ring.find, presented)
        tries = self._tries(presented.secret, address)
        await self._check(tries)
        actor = await to_thread.run_sync(self._ring.find, presented)
        if actor is None:
            await self._failed(tries, presented.secret, address)
        return actor

    async def take(self, actor: Actor, cost: int) -> tuple[Limit, Taken] | None:
        """Count a request against the rate of a key; None where there is no key."""
        if actor.key_id is None:
            return None
        default = self._runtime.settings.requests_per_minute
        limit = Limit(actor.requests_per_minute or default, _MINUTE_S)
        return limit, await self._buckets.take(f"key:{actor.key_id}", limit, min(cost, limit.size))

    async def log_in(self, secret: str, address: str) -> str:
        """Open a session with a key or the token; raises Unauthenticated or RateLimited."""
        actor = await self.identify(Presented(secret), address)
        if actor is None:
            raise Unauthenticated(_WRONG)
        runtime = self._runtime.on_behalf_of(actor.at(address))
        return await to_thread.run_sync(sessions.open_session, runtime, actor.key_id)

    async def redeem(self, ticket: str, address: str) -> str | None:
        """Open a session with what the printed address holds; None when that was used."""
        runtime = self._runtime.on_behalf_of(TOKEN.at(address))
        return await to_thread.run_sync(sessions.redeem, runtime, ticket)

    async def log_out(self, session: str) -> None:
        """End a session."""
        await to_thread.run_sync(sessions.close_session, self._runtime, session)
        self._ring.forget(Presented(session=session))

    async def denied(self, actor: Actor, method: str, path: str, scope: str) -> None:
        """Write down that somebody reached for more than they may; not all of a flood."""
        if (await self._buckets.take(f"denied:{actor.name}", TRIES)).granted:
            await self._note(actor, "auth.denied", f"{method} {path}", scope=scope)

    def _tries(self, secret: str, address: str) -> str:
        prefix = shown_prefix(secret)
        return f"tries:{address}:{prefix if self._ring.knows_prefix(prefix) else ''}"

    async def _check(self, tries: str) -> None:
        seen = await self._buckets.look(tries, TRIES)
        if not seen.granted:
            detail = f"Too many wrong keys; try again in {max(1, ceil(seen.wait_s))} s."
            raise RateLimited(detail, retry_after_s=seen.wait_s)

    async def _failed(self, tries: str, secret: str, address: str) -> None:
        taken = await self._buckets.take(tries, TRIES)
        if taken.granted:  # so a flood of them is written down twenty times, not a million
            nobody = Actor(NOBODY.kind, address=address)
            await self._note(nobody, "auth.failed", shown_prefix(secret))

    async def _note(self, actor: Actor, action: str, subject: str, **facts: object) -> None:
        def write() -> None:
            runtime = self._runtime.on_behalf_of(actor)
            audit.note_refusal(runtime, action, subject, **facts)

        await to_thread.run_sync(write)
