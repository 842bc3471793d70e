"""Token buckets that all web processes share through Redis; alone, each process keeps its own."""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol, cast

import redis.asyncio
import structlog
from redis.asyncio.connection import ConnectionPool, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

ANSWER_WITHIN_S = 0.1
ALONE_FOR_S = 2.0
_MOST_LOCAL = 10_000
# KEYS: the bucket. ARGV: size, refill per millisecond, cost. The clock is Redis' own.
_SCRIPT = """
local size, rate, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local held = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = tonumber(held[1]) or size
local at = tonumber(held[2]) or now
left = math.min(size, left + math.max(0, now - at) * rate)
local granted = left >= cost
if granted then left = left - cost end
redis.call('HSET', KEYS[1], 'left', left, 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(size / rate) + 1000)
return {granted and 1 or 0, tostring(left)}
"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket of so many tokens that fills up in so many seconds."""

    size: int
    window_s: float

    @property
    def per_s(self) -> float:
        """Tokens that come back each second."""
        return self.size / self.window_s


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether the tokens were there, how many are left, and when enough will be there again."""

    granted: bool
    left: float
    wait_s: float


class _Script(Protocol):
    def __call__(self, keys: list[str], args: list[float | int]) -> Awaitable[object]: ...


class Buckets:
    """Buckets by name. Any error of Redis, or its silence, and this process counts by itself."""

    def __init__(self, redis_url: str | None, *, prefix: str = "cultivar:rates:") -> None:
        self._redis_url = redis_url
        self._prefix = prefix
        self._local: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._alone_until_s = 0.0
        self._redis: redis.asyncio.Redis | None = None
        self._script: _Script | None = None

    async def take(self, name: str, limit: Limit, cost: int = 1) -> Taken:
        """Take tokens from a bucket, all or none."""
        shared = await self._ask(name, limit, cost)
        granted, left = self._take_local(name, limit, cost) if shared is None else shared
        missing = max(0.0, cost - left) if not granted else 0.0
        return Taken(granted, left, missing / limit.per_s)

    async def look(self, name: str, limit: Limit) -> Taken:
        """Whether one token is there, without taking it."""
        seen = await self.take(name, limit, 0)
        return Taken(seen.left >= 1, seen.left, max(0.0, 1 - seen.left) / limit.per_s)

    async def aclose(self) -> None:
        """Let go of the connection."""
        if self._redis is not None:
            with contextlib.suppress(RedisError, OSError):
                await self._redis.aclose()

    async def _ask(self, name: str, limit: Limit, cost: int) -> tuple[bool, float] | None:
        if self._redis_url is None or time.monotonic() < self._alone_until_s:
            return None
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                arguments: list[float | int] = [limit.size, limit.per_s / 1000, cost]
                answer = await self._connected()([self._prefix + name], arguments)
        except (RedisError, OSError, RuntimeError) as error:
            _log.warning("rates_not_shared", detail=type(error).__name__)
            self._alone_until_s = time.monotonic() + ALONE_FOR_S
            return None
        granted, left = cast("tuple[int, bytes]", answer)
        return bool(granted), float(left)

    def _take_local(self, name: str, limit: Limit, cost: int) -> tuple[bool, float]:
        now_s = time.monotonic()
        left, at_s = self._local.pop(name, (float(limit.size), now_s))
        left = min(limit.size, left + (now_s - at_s) * limit.per_s)
        granted = left >= cost
        left -= cost if granted else 0
        self._local[name] = (left, now_s)
        while len(self._local) > _MOST_LOCAL:
            self._local.popitem(last=False)
        return granted, left

    def _connected(self) -> _Script:
        if self._script is None:
            pool = ConnectionPool(
                **parse_url(self._redis_url or ""),
                socket_timeout=ANSWER_WITHIN_S,
                socket_connect_timeout=ANSWER_WITHIN_S,
                retry=Retry(NoBackoff(), 0),
            )
            self._redis = redis.asyncio.Redis.from_pool(pool)
            self._script = cast("_Script", self._redis.register_script(_SCRIPT))
        return self._script
