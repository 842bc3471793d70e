"""The Lua script that keeps the fleet's budgets and gates in Redis, and what it answers."""

from dataclasses import dataclass
from typing import cast

from app.llm.limits import REQUESTS_BURST_S, TOKENS_BURST_S, TOKENS_START_S

# Every key has an expiry and is made anew when it is missing, so Redis may forget all of it: a
# budget then starts nearly empty, and a gate comes back from whichever worker still knows it.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

local function bucket(name, per_minute, burst_s, least, start_s)
  if per_minute <= 0 then return nil end
  local rate = per_minute / 60
  local capacity = math.max(least, rate * burst_s)
  local kept = redis.call('HMGET', KEYS[1], name .. '_level', name .. '_at')
  local level = tonumber(kept[1] or '') or math.max(least, start_s * rate)
  local at = tonumber(kept[2] or '') or now
  level = math.min(capacity, level + math.max(0, now - at) * rate)
  return {name = name, rate = rate, capacity = capacity, level = level}
end

local function keep(b)
  if b then redis.call('HSET', KEYS[1], b.name .. '_level', b.level, b.name .. '_at', now) end
end

local function wait(b, cost)
  if not b then return 0 end
  return math.max(0, (math.min(cost, b.capacity) - b.level) / b.rate)
end

redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - 15)
redis.call('EXPIRE', KEYS[3], 60)
local fleet = redis.call('ZCARD', KEYS[3])

local known_ms = tonumber(ARGV[4])
local gate_ms = redis.call('PTTL', KEYS[2])
if known_ms > math.max(0, gate_ms) + tonumber(ARGV[9]) then
  redis.call('SET', KEYS[2], '1', 'PX', known_ms)
  gate_ms = known_ms
end

local requests = bucket('requests', tonumber(ARGV[2]), tonumber(ARGV[6]), 1, 0)
local tokens = bucket('tokens', tonumber(ARGV[3]), tonumber(ARGV[7]), 0, tonumber(ARGV[8]))
if tokens then tokens.level = math.min(tokens.capacity, tokens.level + tonumber(ARGV[5])) end

local granted, wait_s = 0, 0
if gate_ms > 0 then
  wait_s = gate_ms / 1000
else
  for position = 10, #ARGV do
    local cost = tonumber(ARGV[position])
    wait_s = math.max(wait(requests, 1), wait(tokens, cost))
    if wait_s > 0 then break end
    if requests then requests.level = requests.level - 1 end
    if tokens then tokens.level = tokens.level - cost end
    granted = granted + 1
  end
end

keep(requests)
keep(tokens)
redis.call('EXPIRE', KEYS[1], 3600)
return {granted, math.ceil(wait_s * 1000), math.max(0, gate_ms), fleet}
"""

# Two clocks never agree on a wait to the millisecond; a gate is only told on when it is news.
GATE_SLACK_S = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """What the script says: calls granted, waits in ms, and workers seen in the last 15 s."""

    granted: int
    wait_ms: int
    gate_ms: int
    fleet: int


@dataclass(frozen=True, slots=True)
class Question:
    """What the script is asked: budgets per minute (0 is none), and the calls that want to go.

    `known_gate_ms` is how long this worker knows the gate to stay closed; `refund` are tokens that
    earlier calls turned out not to use; `costs` are the tokens of each waiting call, in order.
    """

    worker: str
    requests_per_minute: int
    tokens_per_minute: int
    known_gate_ms: int
    refund: int
    costs: list[int]

    def arguments(self) -> list[str | int | float]:
        """The script's arguments."""
        return [
            self.worker,
            self.requests_per_minute,
            self.tokens_per_minute,
            self.known_gate_ms,
            self.refund,
            REQUESTS_BURST_S,
            TOKENS_BURST_S,
            TOKENS_START_S,
            round(GATE_SLACK_S * 1000),
            *self.costs,
        ]


def keys(prefix: str, teacher_id: str) -> list[str]:
    """The script's keys for a teacher: budgets, gate, workers; one hash slot in a cluster."""
    return [f"{prefix}{{{teacher_id}}}:{name}" for name in ("budgets", "gate", "fleet")]


def read_answer(value: object) -> Answer | None:
    """The answer, or None when it is not one."""
    if not isinstance(value, list):
        return None
    numbers = [number for number in cast("list[object]", value) if isinstance(number, int)]
    return Answer(*numbers) if len(numbers) == 4 else None
