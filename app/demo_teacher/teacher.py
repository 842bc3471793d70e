"""The teacher itself: takes a checked request, decides what it gets, and keeps count."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import orjson

from app.demo_teacher.arrivals import Arrival, JsonLines, Statistics, header_text
from app.demo_teacher.draws import prompt_digest, seeded_random
from app.demo_teacher.embeddings import embed_reply
from app.demo_teacher.faults import Fault, fault_named
from app.demo_teacher.faulty import (
    instead_of_reply,
    spoil_choices,
    spoil_plan,
    spoil_usage,
    stands_alone,
)
from app.demo_teacher.gates import TokenBucket, quota_used_up, rate_limit_headers, rate_limited
from app.demo_teacher.gates import unauthorized as unauthorized_error
from app.demo_teacher.grammar.judgements import rewarded
from app.demo_teacher.latency import latency_s
from app.demo_teacher.plans import JSON_HEADERS, Plan
from app.demo_teacher.protocol import (
    Choice,
    CompletionCall,
    RequestError,
    Usage,
    count_tokens,
    cut,
    read_call,
    read_json,
    read_model,
    read_row,
    reply_fields,
    usage_of,
)
from app.demo_teacher.script import Script
from app.demo_teacher.settings import Settings
from app.demo_teacher.steps import STEP_HEADER, Step, step_of

CHAT_PATH = "/v1/chat/completions"
COMPLETIONS_PATH = "/v1/completions"
EMBEDDINGS_PATH = "/v1/embeddings"
SCORE_PATH = "/v1/score"
DEFAULT_MODEL = "demo-teacher"
EMBED_STEP = "embed"
SCORE_STEP = "score"
FAULT_HEADER = b"x-demo-fault"
"""Names the fault that this one call is to meet, whatever `--faults` says."""

Make = Callable[[Fault | None, Random], tuple[dict[str, Any], Usage]]
"""Makes a reply's JSON object, spoilt by a fault, and what it truly used."""


class Teacher:
    """Decides every call; holds what is remembered between calls, which is `reset` at will."""

    def __init__(self, settings: Settings, script: Script) -> None:
        self.settings, self._script = settings, script
        self._log = JsonLines(settings.log)
        self._reply_log = JsonLines(settings.reply_log)
        self._number = 0
        self.statistics = Statistics()
        self.reset()

    def reset(self) -> None:
        """Forget counts, attempts, used replies and the state of bucket and quota."""
        self.statistics = self.statistics.emptied()
        self._attempts: Counter[bytes] = Counter()
        self._let_in = 0
        self._script.reset()
        rate, burst = self.settings.rate_limit_per_s, self.settings.burst
        self._bucket = None
        if rate is not None:
            self._bucket = TokenBucket(rate, burst, float(burst), time.monotonic())

    def arrive(
        self, path: str, headers: Mapping[bytes, bytes], batch: str | None = None
    ) -> Arrival:
        """Count a call in; `batch` names the batch it came with."""
        self._number += 1
        self.statistics.arrive()
        return Arrival(self._number, path, headers, batch)

    def decide(self, arrival: Arrival, body: bytes) -> Plan:
        """What the call gets; written into the log before any of it is sent."""
        try:
            plan = self._decide(arrival, body)
        except RequestError as error:
            plan = Plan(error.code or error.kind, error.status, error.body())
        identity = (b"x-request-id", b"req_%d" % arrival.number)
        plan = replace(plan, headers=(*plan.headers, identity))
        self.statistics.decide(arrival.step, plan.outcome, plan.status)
        self._log.write(arrival.as_json(plan))
        return plan

    def replied(self, arrival: Arrival, outcome: str) -> None:
        """Note that a reply went out whole (`sent`) or did not (`client_gone`, `broken_off`)."""
        self.statistics.leave()
        self._reply_log.write({"time": time.time(), "number": arrival.number, "outcome": outcome})

    def check_key(self, headers: Mapping[bytes, bytes]) -> None:
        """RequestError unless the bearer key is the one that is let in."""
        key = self.settings.api_key
        if key is not None and headers.get(b"authorization") != f"Bearer {key}".encode():
            raise unauthorized_error()

    def models(self) -> dict[str, Any]:
        """The list of `GET /v1/models`."""
        names = self.settings.model or (DEFAULT_MODEL,)
        return {"object": "list", "data": [self.model(name) for name in names]}

    def model(self, name: str) -> dict[str, Any]:
        """One model's object."""
        self._check_model(name)
        return {"id": name, "object": "model", "created": 0, "owned_by": "cultivar"}

    def _decide(self, arrival: Arrival, body: bytes) -> Plan:
        self.check_key(arrival.headers)
        payload = read_json(body)
        if arrival.path == EMBEDDINGS_PATH:
            make = self._embedding(arrival, payload, body)
        elif arrival.path == SCORE_PATH:
            make = self._scoring(arrival, payload, body)
        else:
            make = self._completion(arrival, payload)
        return self._gate(arrival) or self._perform(arrival, make)

    def _embedding(self, arrival: Arrival, payload: dict[str, Any], body: bytes) -> Make:
        self._check_model(read_model(payload))
        arrival.step, arrival.digest = EMBED_STEP, prompt_digest(body.decode())
        fields, tokens = embed_reply(payload)
        return lambda fault, rng: (fields, Usage(tokens, 0, tokens))

    def _scoring(self, arrival: Arrival, payload: dict[str, Any], body: bytes) -> Make:
        """What a plain scoring service says of a row; it counts no tokens."""
        arrival.step, arrival.digest = SCORE_STEP, prompt_digest(body.decode())
        fields = read_row(payload)
        return lambda fault, rng: (
            {"score": round(rewarded("\n\n".join(fields)), 3)},
            Usage(0, 0, 0),
        )

    def _completion(self, arrival: Arrival, payload: dict[str, Any]) -> Make:
        call = read_call(payload, is_chat=arrival.path == CHAT_PATH)
        self._check_model(call.model)
        header = header_text(arrival.headers.get(STEP_HEADER))
        arrival.step, kind = step_of(header, call.prompts[0])
        asked = [prompt.text for prompt in call.prompts]
        asked += [] if call.seed is None else [str(call.seed)]
        arrival.digest = prompt_digest("\0".join(asked))
        self._check_length(call)

        def make(fault: Fault | None, rng: Random) -> tuple[dict[str, Any], Usage]:
            choices = spoil_choices(fault, self._choices(arrival, kind, call), rng)
            usage = usage_of(call, choices)
            told = spoil_usage(fault, usage, rng)
            identity = f"{arrival.digest.hex()}{arrival.number:08x}"
            return reply_fields(call, identity, int(time.time()), choices, told), usage

        return make

    def _perform(self, arrival: Arrival, make: Make) -> Plan:
        """The plan of a call that was let in; faults that stand alone make no reply."""
        settings = self.settings
        digest, attempt = arrival.digest, arrival.attempt
        fault = _named_fault(arrival.headers.get(FAULT_HEADER))
        if fault is None:
            fault = settings.faults.choose(settings.seed, digest, attempt)
        rng = seeded_random(settings.seed, "spoil", digest, attempt)
        wait_s = latency_s(
            settings.latency_tail, settings.latency_s, settings.seed, digest, attempt
        )
        if fault is not None and stands_alone(fault):
            return replace(instead_of_reply(fault, settings, rng, time.time()), wait_s=wait_s)
        fields, usage = make(fault, rng)
        self.statistics.prompt_tokens += usage.prompt_tokens
        self.statistics.completion_tokens += usage.completion_tokens
        outcome = "ok" if fault is None else fault.value
        plan = Plan(outcome, 200, orjson.dumps(fields), JSON_HEADERS, wait_s=wait_s)
        return spoil_plan(fault, plan, settings, rng)

    def _choices(self, arrival: Arrival, kind: Step, call: CompletionCall) -> list[Choice]:
        choices: list[Choice] = []
        for prompt in call.prompts:
            digest = arrival.digest if len(call.prompts) == 1 else prompt_digest(prompt.text)
            for number in range(call.choices):
                said = self._script.reply(arrival.step, kind, prompt, digest, number)
                choices.append(_choice(said.text, said.finish_reason, call))
        return choices

    def _check_model(self, name: str) -> None:
        if self.settings.model and name not in self.settings.model:
            raise RequestError(
                f"The model '{name}' does not exist.", status=404, code="model_not_found"
            )

    def _check_length(self, call: CompletionCall) -> None:
        limit = self.settings.context_tokens
        if limit is None:
            return
        asked = max(count_tokens(prompt.text) for prompt in call.prompts) + (call.max_tokens or 0)
        if asked > limit:
            raise RequestError(
                f"This model's maximum context length is {limit} tokens, however you requested "
                f"{asked}. Please reduce your prompt; or completion length.",
                param="messages" if call.is_chat else "prompt",
                code="context_length_exceeded",
            )

    def _gate(self, arrival: Arrival) -> Plan | None:
        settings = self.settings
        if settings.unauthorized_after is not None and self._let_in >= settings.unauthorized_after:
            raise unauthorized_error()
        if settings.quota_after is not None and self._let_in >= settings.quota_after:
            raise quota_used_up()
        if self._bucket is not None and arrival.batch is None:
            wait_s = self._bucket.take(time.monotonic())
            if wait_s > 0:
                error = rate_limited(wait_s)
                headers = (*JSON_HEADERS, *rate_limit_headers(self._bucket, wait_s))
                return Plan("rate_limit_exceeded", error.status, error.body(), headers)
        self._let_in += 1
        self._attempts[arrival.digest] += 1
        arrival.attempt = self._attempts[arrival.digest]
        self.statistics.distinct_prompts = len(self._attempts)
        return None


def _named_fault(name: bytes | None) -> Fault | None:
    """The fault that a request asks for by its header, so that a test can have it at once."""
    if name is None:
        return None
    try:
        return fault_named(name.decode("utf-8", "replace"))
    except ValueError as error:
        raise RequestError(str(error), param="x-demo-fault") from None


def _choice(text: str | None, finish_reason: str | None, call: CompletionCall) -> Choice:
    """A scripted text cut as the call wants it; a recorded finish reason stands."""
    if text is None:
        return Choice(None, finish_reason or "stop")
    choice = cut(text, call.stops, call.max_tokens)
    return choice if finish_reason is None else replace(choice, finish_reason=finish_reason)
