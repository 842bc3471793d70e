"""What a job would come to, told before it is submitted, with all that the figures rest on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from app.db import history, job_sources, seed_sets
from app.db.engine import Connection
from app.db.history import FinishedJob, StepHistory
from app.domain.estimate import (
    PRIOR_BYTES_PER_TOKEN,
    PRIOR_REPLY_SHARE,
    PRIOR_ROWS_PER_S,
    PRIOR_TOKENS_PER_S,
    PRIOR_WAIT_S,
    Cost,
    Embeddings,
    Estimate,
    Expected,
    Grounds,
    Pace,
    Talk,
    Yields,
    estimate,
    learnt_yields,
)
from app.domain.lifecycle import Delivery
from app.domain.method import Order, Prompt
from app.domain.profiles import PublishedMethod
from app.domain.records import Source
from app.domain.rehearsal import Prompts, Rehearsal, first_prompt, rehearse
from app.domain.stored import SeedSet, TeacherRecord
from app.llm.pricing import cost_micro_usd, most_input_tokens, most_output_tokens
from app.llm.teacher import Endpoint, Teacher
from app.runtime import Runtime
from app.use_cases.estimate_words import Assumption, Basis, assumptions, without_calls
from app.use_cases.job_context import read_seeds, source_of
from app.use_cases.jobs import JobDetails, JobParts, checked
from app.use_cases.mixed_stock import mixed_source

_SEEDS_READ = 400
_CONVERSATIONS_TRIED = 24
# The first prompt may show any seed; of larger sets it is not told, as reading them takes seconds.
_MOST_SEEDS_DRAWN = 20_000
_FEWEST_CALLS = 5


@dataclass(frozen=True, slots=True)
class JobEstimate:
    """An estimate with what it rests on; without money, `no_money` says why.

    `first_prompt` is what the job would send first, None for a set of very many seeds.
    """

    estimate: Estimate
    cap_calls: int
    cap_micro_usd: int | None
    no_money: str | None
    assumptions: Sequence[Assumption]
    first_prompt: Prompt | None


def of_job(runtime: Runtime, details: JobDetails) -> JobEstimate:
    """Estimate a job, which is neither stored nor run; raises InvalidInput as submitting it would.

    A teacher without prices is taken here: its estimate has no money.
    """
    with runtime.database.transaction() as connection:
        described = checked(connection, runtime, details, priceless=True)
        if described.teacher is None:
            return _without_calls(described)
        shown = _shown(connection, details, described.seed_set)
        teacher = described.teacher.priced_for(Delivery(details.delivery))
        parts = _taught(described, teacher, shown)
        basis = _basis(connection, details, parts)
        prompt = _first_prompt(connection, details, parts)
    return JobEstimate(
        estimate=estimate(basis.grounds),
        cap_calls=parts.cap_calls,
        cap_micro_usd=parts.cap_micro_usd,
        no_money=_no_money(parts),
        assumptions=assumptions(basis),
        first_prompt=prompt,
    )


def _first_prompt(connection: Connection, details: JobDetails, parts: "_Parts") -> Prompt | None:
    if parts.seed_set is None:
        return first_prompt(parts.method, parts.shown.sources, random_seed=details.random_seed)
    if parts.seed_set.row_count > _MOST_SEEDS_DRAWN:
        return None
    seeds = read_seeds(connection, parts.seed_set.id).ordered
    return first_prompt(parts.method, seeds, random_seed=details.random_seed)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What prompts are made from: some of it, how much there is, and its bytes.

    `all_bytes` are those of all instructions, `longest` those of the longest with all its texts.
    """

    sources: Sequence[Source]
    count: int
    all_bytes: int
    longest: int


def _shown(connection: Connection, details: JobDetails, seed_set: SeedSet | None) -> _Shown:
    if seed_set is None:
        job_ids = [each.job_id for each in details.sources]
        found = job_sources.some_rows(connection, job_ids, _SEEDS_READ)
        size = job_sources.size(connection, job_ids)
        return _Shown([mixed_source(each) for each in found], *size)
    seeds = seed_sets.spread_seeds(connection, seed_set.id, _SEEDS_READ)
    size = seed_sets.seed_bytes(connection, seed_set.id)
    return _Shown([source_of(each) for each in seeds], seed_set.row_count, *size)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a job that makes calls."""

    method: PublishedMethod
    seed_set: SeedSet | None
    shown: _Shown
    teacher: TeacherRecord
    embedder: TeacherRecord | None
    target_rows: int
    cap_calls: int
    cap_micro_usd: int | None


def _taught(parts: JobParts, teacher: TeacherRecord, shown: _Shown) -> _Parts:
    return _Parts(
        parts.method,
        parts.seed_set,
        shown,
        teacher,
        parts.embedder,
        parts.target_rows,
        parts.cap_calls,
        parts.cap_micro_usd,
    )


def _without_calls(parts: JobParts) -> JobEstimate:
    """No calls, no tokens, no money; the time is that of a worker at work."""
    most = parts.gathered.rows or parts.target_rows
    rows, nothing = min(parts.target_rows, most), Expected(0, 0)
    found = Estimate(
        rows=rows,
        calls=nothing,
        prompt_tokens=nothing,
        completion_tokens=nothing,
        embedding_tokens=None,
        micro_usd=nothing,
        expected_s=math.ceil(rows / PRIOR_ROWS_PER_S),
    )
    return JobEstimate(found, 0, parts.cap_micro_usd, None, without_calls(most), None)


@dataclass(frozen=True, slots=True)
class _Past:
    """What is known of a teacher: its finished jobs, those like this one, its replies by step."""

    alike: Sequence[FinishedJob]
    steps_alike: Mapping[str, StepHistory]
    steps: Sequence[StepHistory]

    @property
    def calls(self) -> int:
        return sum(each.calls for each in self.steps)

    @property
    def bytes_per_token(self) -> float | None:
        tokens = sum(each.prompt_tokens for each in self.steps)
        enough = tokens and self.calls >= _FEWEST_CALLS
        return sum(each.prompt_bytes for each in self.steps) / tokens if enough else None

    @property
    def latency_s(self) -> float | None:
        if self.calls < _FEWEST_CALLS:
            return None
        return sum(each.latency_s * each.calls for each in self.steps) / self.calls


def _past(connection: Connection, details: JobDetails, teacher: TeacherRecord) -> _Past:
    found = history.finished_jobs(connection, teacher.id)
    alike = [
        each for each in found if (each.method, each.profile) == (details.method, details.profile)
    ]
    steps_alike = history.steps(connection, [each.id for each in alike], teacher.model)
    steps = history.steps(connection, [each.id for each in found], teacher.model)
    return _Past(alike, {each.step: each for each in steps_alike}, steps)


def _basis(connection: Connection, details: JobDetails, parts: _Parts) -> Basis:
    past = _past(connection, details, parts.teacher)
    shown = parts.shown
    rehearsal = rehearse(
        parts.method, shown.sources, random_seed=details.random_seed, count=_CONVERSATIONS_TRIED
    )
    sizes = _Sizes(past)
    proposing, answering = sizes.talk(rehearsal.proposing), sizes.talk(rehearsal.answering)
    most_prompt, most_completion = _most_of_a_call(parts.teacher, rehearsal, shown.longest)
    latency_s = past.latency_s
    grounds = Grounds(
        target_rows=parts.target_rows,
        cap_calls=parts.cap_calls,
        cap_micro_usd=parts.cap_micro_usd,
        yields=_yields(past.alike, parts.method.expected_novel),
        proposing=proposing,
        answering=answering,
        most_prompt_tokens=most_prompt,
        most_completion_tokens=most_completion,
        pace=_pace(parts, latency_s or _latency_s(proposing, answering)),
        cost=_cost(parts),
        embeddings=_embeddings(parts, sizes.bytes_per_token),
        expected_novel=parts.method.expected_novel,
    )
    return Basis(
        grounds=grounds,
        teacher=parts.teacher,
        embedder=parts.embedder,
        reuse=details.reuse,
        rehearsed=len(rehearsal.proposing) + len(rehearsal.answering),
        alike_jobs=len(past.alike),
        alike_conversations=sum(each.proposals + each.answers for each in past.alike),
        measured_calls=past.calls if latency_s is not None else 0,
        bytes_per_token=sizes.bytes_per_token,
        lengths_known=sizes.known,
    )


class _Sizes:
    """Tokens of prompts and replies: as this teacher counted so far, else as assumed."""

    def __init__(self, past: _Past) -> None:
        self._replies = {
            step: found.completion_tokens
            for step, found in past.steps_alike.items()
            if found.calls >= _FEWEST_CALLS
        }
        self.bytes_per_token = past.bytes_per_token or PRIOR_BYTES_PER_TOKEN
        self.known = bool(self._replies)

    def talk(self, conversations: Sequence[Prompts]) -> Talk:
        """The average of some conversations."""
        count = max(1, len(conversations))
        prompts = [prompt for each in conversations for prompt in each]
        return Talk(
            calls=len(prompts) / count,
            prompt_tokens=sum(map(_bytes, prompts)) / self.bytes_per_token / count,
            completion_tokens=sum(map(self._reply, prompts)) / count,
        )

    def _reply(self, prompt: Prompt) -> float:
        known = self._replies.get(prompt.step)
        return prompt.decoding.max_tokens * PRIOR_REPLY_SHARE if known is None else known


def _bytes(prompt: Prompt) -> int:
    texts = (prompt.text, prompt.system or "")
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def _most_of_a_call(
    teacher: TeacherRecord, rehearsal: Rehearsal, longest_seed: int
) -> tuple[int, int]:
    """Bounds of one call's tokens: the largest prompt that was built and all it may show besides.

    Each source may be the longest seed or a text that a reply brought, and so may earlier replies
    of the conversation.
    """
    asked = Teacher(
        id=str(teacher.id),
        base_url=teacher.base_url,
        model=teacher.model,
        endpoint=Endpoint(teacher.endpoint),
        context_length=teacher.context_length,
        extra_body=teacher.extra_body,
    )
    prompts = [prompt for each in rehearsal.variants for prompt in each]
    completion = max((most_output_tokens(asked, each) for each in prompts), default=1)
    built = max((most_input_tokens(asked, each) for each in prompts), default=0)
    texts = rehearsal.shown + max(map(len, rehearsal.variants), default=1)
    return built + texts * max(longest_seed, completion), completion


def _yields(alike: Sequence[FinishedJob], expected_novel: float) -> Yields:
    return learnt_yields(
        proposals=sum(each.proposals for each in alike),
        novel=sum(each.novel for each in alike),
        duplicates=sum(each.duplicates for each in alike),
        answers=sum(each.answers for each in alike),
        rows=sum(each.rows for each in alike),
        expected_novel=expected_novel,
    )


def _latency_s(proposing: Talk, answering: Talk) -> float:
    """A wait and the time to write a reply of average length."""
    calls = proposing.calls + answering.calls
    tokens = (proposing.completion_tokens + answering.completion_tokens) / max(1.0, calls)
    return PRIOR_WAIT_S + tokens / PRIOR_TOKENS_PER_S


def _pace(parts: _Parts, latency_s: float) -> Pace:
    teacher, method = parts.teacher, parts.method
    return Pace(
        latency_s=latency_s,
        concurrency=teacher.max_concurrency,
        requests_per_minute=teacher.requests_per_minute,
        tokens_per_minute=teacher.tokens_per_minute,
        round_size=method.round_size if method.order is Order.STRICT else None,
    )


def _cost(parts: _Parts) -> Cost | None:
    """The price of tokens, rounded up; None without both prices of all that is paid for."""
    return None if _no_money(parts) else partial(_price, parts.teacher)


def _price(record: TeacherRecord, prompt_tokens: int, completion_tokens: int) -> int:
    teacher = Teacher(
        id=str(record.id),
        base_url=record.base_url,
        model=record.model,
        input_micro_usd_per_million=record.input_micro_usd_per_million,
        output_micro_usd_per_million=record.output_micro_usd_per_million or 0,
    )
    return cost_micro_usd(teacher, prompt_tokens, completion_tokens)


def _no_money(parts: _Parts) -> str | None:
    teacher, embedder = parts.teacher, parts.embedder
    prices = (teacher.input_micro_usd_per_million, teacher.output_micro_usd_per_million)
    if None in prices:
        return (
            f"The prices of teacher {teacher.name!r} are not known, and prices are never guessed. "
            "Give both to the teacher, 0 if it is free."
        )
    if embedder is not None and embedder.input_micro_usd_per_million is None:
        return (
            f"The input price of embedder {embedder.name!r} is not known, and prices are never "
            "guessed. Give it to the embedder, 0 if it is free."
        )
    return None


def _embeddings(parts: _Parts, bytes_per_token: float) -> Embeddings | None:
    embedder, shown = parts.embedder, parts.shown
    if embedder is None:
        return None

    def cost(tokens: int) -> int:
        return 0 if _no_money(parts) else _price(embedder, tokens, 0)

    mean = shown.all_bytes / max(1, shown.count) / bytes_per_token
    return Embeddings(shown.all_bytes, mean, cost)
