"""Limits that the whole fleet shares through Redis, and that go on alone when Redis does not."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable
from typing import Protocol, cast

import redis.asyncio
import structlog
from redis.asyncio.connection import ConnectionPool, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.llm.admission import AdmissionQueue, Grant
from app.llm.limits import LocalLimits
from app.llm.limits_script import GATE_SLACK_S, SCRIPT, Answer, Question, keys, read_answer
from app.llm.teacher import Teacher

ANSWER_WITHIN_S = 0.1
ALONE_FOR_S = 2.0
GATE_FRESH_S = 0.2
GATE_STALE_S = 0.5

_log = structlog.get_logger(__name__)


class _Script(Protocol):
    def __call__(self, keys: list[str], args: list[float | int | str]) -> Awaitable[object]: ...


class SharedLimits:
    """Budgets and gates in Redis; any error there, or silence, and this process limits itself.

    Alone, it uses its part of the budget: one over the number of workers last seen. It asks Redis
    again every two seconds. A teacher without budgets is only asked about its gate, and that in the
    background, so its calls never wait for Redis.
    """

    def __init__(self, redis_url: str, *, prefix: str = "cultivar:limits:") -> None:
        self._worker = uuid.uuid4().hex
        self._prefix = prefix
        self._local = LocalLimits()
        self._queue = AdmissionQueue(self._reserve)
        self._refunds: dict[str, int] = {}
        self._asked_s: dict[str, float] = {}
        self._errands: dict[str, asyncio.Task[Answer | None]] = {}
        self._alone_until_s = 0.0
        self._redis_url = redis_url
        self._redis: redis.asyncio.Redis | None = None
        self._script: _Script | None = None

    @property
    def is_alone(self) -> bool:
        """Whether Redis failed lately and this process limits itself."""
        return time.monotonic() < self._alone_until_s

    async def admit(self, teacher: Teacher, tokens_estimate: int) -> None:
        """Wait until the gate is open and the fleet's budgets allow the call."""
        if self._passes_at_once(teacher):
            return
        await self._queue.wait(teacher, tokens_estimate)

    def close_gate(self, teacher_id: str, seconds: float) -> None:
        """Let nothing through for so long, in the whole fleet."""
        self._local.close_gate(teacher_id, seconds)
        self._send_errand(Teacher(teacher_id, "", ""))

    def closed_until(self, teacher_id: str) -> float:
        """When the gate opens, in `time.monotonic()`; 0.0 when it is open."""
        return self._local.closed_until(teacher_id)

    def last_opened(self, teacher_id: str) -> float:
        """When the gate opened last, or will open; 0.0 if it never closed."""
        return self._local.last_opened(teacher_id)

    async def look(self, teacher: Teacher) -> None:
        """Hear what the fleet knows of the gate, unless that was asked just now."""
        if time.monotonic() - self._asked_s.get(teacher.id, 0.0) > GATE_FRESH_S:
            await self._ask(teacher, [])

    def settle(self, teacher: Teacher, tokens_estimate: int, tokens_actual: int) -> None:
        """Give back what the estimate was too high by, with the next question."""
        self._local.settle(teacher, tokens_estimate, tokens_actual)
        refund = self._refunds.get(teacher.id, 0) + tokens_estimate - tokens_actual
        self._refunds[teacher.id] = refund

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._queue.aclose()
        await self._local.aclose()
        for errand in list(self._errands.values()):
            errand.cancel()
        if self._redis is not None:
            with contextlib.suppress(RedisError, OSError):
                await self._redis.aclose()

    def _passes_at_once(self, teacher: Teacher) -> bool:
        """A teacher without budgets passes while its gate is known to have been open just now."""
        if teacher.requests_per_minute or teacher.tokens_per_minute:
            return False
        if self.closed_until(teacher.id) or not self._queue.is_idle(teacher.id):
            return False
        age_s = time.monotonic() - self._asked_s.get(teacher.id, 0.0)
        if age_s > GATE_FRESH_S and not self.is_alone:
            self._send_errand(teacher)
        return age_s < GATE_STALE_S or self.is_alone

    def _send_errand(self, teacher: Teacher) -> None:
        """Ask without waiting: it carries our gate there and brings the fleet's back."""
        running = self._errands.get(teacher.id)
        if running is None or running.done() or self.closed_until(teacher.id):
            task = asyncio.get_running_loop().create_task(self._ask(teacher, []))
            self._errands[teacher.id] = task

    async def _reserve(self, teacher: Teacher, costs: list[int]) -> Grant:
        answer = await self._ask(teacher, costs)
        if answer is None:
            return self._local.take(teacher, costs)
        return Grant(answer.granted, answer.wait_ms / 1000)

    async def _ask(self, teacher: Teacher, costs: list[int]) -> Answer | None:
        """Run the script; None when this process is alone, or has just become so."""
        if self.is_alone:
            return None
        refund = self._refunds.pop(teacher.id, 0)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                value = await self._run(teacher, refund, costs)
        except (RedisError, OSError) as error:
            self._stand_alone(f"{type(error).__name__} {error}")
            return None
        answer = read_answer(value)
        if answer is None:
            self._stand_alone("an answer that the script does not give")
            return None
        self._learn(teacher, answer)
        return answer

    async def _run(self, teacher: Teacher, refund: int, costs: list[int]) -> object:
        closed_s = self.closed_until(teacher.id) - time.monotonic()
        question = Question(
            worker=self._worker,
            requests_per_minute=teacher.requests_per_minute or 0,
            tokens_per_minute=teacher.tokens_per_minute or 0,
            known_gate_ms=max(0, round(closed_s * 1000)),
            refund=refund,
            costs=costs,
        )
        return await self._connected()(keys(self._prefix, teacher.id), question.arguments())

    def _learn(self, teacher: Teacher, answer: Answer) -> None:
        self._asked_s[teacher.id] = time.monotonic()
        self._local.share = 1.0 / max(1, answer.fleet)
        if self._alone_until_s:
            self._alone_until_s = 0.0
            _log.info("limits_shared_again")
        closed_s = self.closed_until(teacher.id) - time.monotonic()
        if answer.gate_ms / 1000 > max(0.0, closed_s) + GATE_SLACK_S:
            self._local.close_gate(teacher.id, answer.gate_ms / 1000)

    def _stand_alone(self, reason: str) -> None:
        if not self._alone_until_s:
            _log.warning("limits_not_shared", detail=reason)
        self._alone_until_s = time.monotonic() + ALONE_FOR_S

    def _connected(self) -> _Script:
        if self._script is None:
            pool = ConnectionPool(
                **parse_url(self._redis_url),
                socket_timeout=ANSWER_WITHIN_S,
                socket_connect_timeout=ANSWER_WITHIN_S,
                retry=Retry(NoBackoff(), 0),
            )
            self._redis = redis.asyncio.Redis.from_pool(pool)
            self._script = cast("_Script", self._redis.register_script(SCRIPT))
        return self._script
