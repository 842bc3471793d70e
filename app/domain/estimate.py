"""What a job will come to before it is run: what to expect, and what it cannot exceed."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from app.domain.planning import PRIOR_NOVEL_PER_CALL, PRIOR_NOVEL_SHARE, PRIOR_ROWS_PER_ANSWER

# Before a teacher's replies are known: a quarter of what each may be long, written at this speed
# after this wait, and as many bytes a token as English has in common tokenizers.
PRIOR_REPLY_SHARE = 0.25
PRIOR_TOKENS_PER_S = 50.0
PRIOR_WAIT_S = 0.5
PRIOR_BYTES_PER_TOKEN = 4.0
# Without a teacher: what one worker renders, compares and stores.
PRIOR_ROWS_PER_S = 300.0

Cost = Callable[[int, int], int]


@dataclass(frozen=True, slots=True)
class Yields:
    """What conversations bring on the average; the counts are those that it was learnt from."""

    novel_per_proposal: float = PRIOR_NOVEL_PER_CALL
    rows_per_answer: float = PRIOR_ROWS_PER_ANSWER
    novel_share: float = PRIOR_NOVEL_SHARE


def learnt_yields(
    *,
    proposals: int,
    novel: int,
    duplicates: int,
    answers: int,
    rows: int,
    expected_novel: float = PRIOR_NOVEL_PER_CALL,
) -> Yields:
    """The yields of finished jobs, drawn towards what is assumed while little is known."""
    return Yields(
        novel_per_proposal=max(0.1, (novel + expected_novel) / (proposals + 1)),
        rows_per_answer=max(0.1, (rows + PRIOR_ROWS_PER_ANSWER) / (answers + 1)),
        novel_share=(novel + PRIOR_NOVEL_SHARE) / (novel + duplicates + 1),
    )


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation of one kind on the average: its calls and their tokens, all together."""

    calls: float
    prompt_tokens: float
    completion_tokens: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast calls can go; a limit of None is none. `round_size` is set under strict order."""

    latency_s: float
    concurrency: int
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    round_size: int | None = None


@dataclass(frozen=True, slots=True)
class Embeddings:
    """What is embedded besides: tokens of all seeds, of one candidate, and their price."""

    seed_tokens: int
    candidate_tokens: float
    cost: Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Grounds:
    """What an estimate rests on; `most_*` bound a single call, `cost` is None without prices."""

    target_rows: int
    cap_calls: int
    cap_micro_usd: int | None
    yields: Yields
    proposing: Talk
    answering: Talk
    most_prompt_tokens: int
    most_completion_tokens: int
    pace: Pace
    cost: Cost | None
    embeddings: Embeddings | None = None
    expected_novel: float = PRIOR_NOVEL_PER_CALL


@dataclass(frozen=True, slots=True)
class Expected:
    """An amount as it is expected, and what it cannot exceed."""

    expected: int
    most: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a job will come to; `rows` fall short of the target where a cap ends it before."""

    rows: int
    calls: Expected
    prompt_tokens: Expected
    completion_tokens: Expected
    embedding_tokens: Expected | None
    micro_usd: Expected | None
    expected_s: int

    @property
    def micro_usd_per_row(self) -> int | None:
        """What a row is expected to cost, rounded up."""
        return -(-self.micro_usd.expected // self.rows) if self.micro_usd and self.rows else None


@dataclass(frozen=True, slots=True)
class _Work:
    """Conversations and what they need."""

    proposals: float
    answers: float
    calls: float
    prompt_tokens: float
    completion_tokens: float
    embedding_tokens: float
    micro_usd: int


def estimate(grounds: Grounds) -> Estimate:
    """Expected and upper amounts of a job under its caps."""
    whole = _work(grounds)
    share = _share_within_caps(grounds, whole)
    most_prompt = grounds.cap_calls * grounds.most_prompt_tokens
    most_completion = grounds.cap_calls * grounds.most_completion_tokens
    calls = min(math.ceil(whole.calls * share), grounds.cap_calls)
    embedded = _embedded(grounds, whole, share, most_completion)
    return Estimate(
        rows=math.floor(grounds.target_rows * share),
        calls=Expected(calls, grounds.cap_calls),
        prompt_tokens=_bounded(whole.prompt_tokens * share, most_prompt),
        completion_tokens=_bounded(whole.completion_tokens * share, most_completion),
        embedding_tokens=embedded,
        micro_usd=_money(grounds, whole, share, embedded),
        expected_s=_seconds(grounds, whole, share),
    )


def first_wave(grounds: Grounds) -> int:
    """How many conversations propose before anything is known of this job's own yields."""
    if grounds.pace.round_size is not None:
        return 0
    wanted = math.ceil(grounds.target_rows / (grounds.expected_novel * PRIOR_ROWS_PER_ANSWER))
    return min(wanted, grounds.pace.concurrency)


def _work(grounds: Grounds) -> _Work:
    yields, proposing, answering = grounds.yields, grounds.proposing, grounds.answering
    answers = math.ceil(grounds.target_rows / yields.rows_per_answer)
    proposals = math.ceil(answers / yields.novel_per_proposal)
    if grounds.pace.round_size is not None:
        proposals = math.ceil(proposals / grounds.pace.round_size) * grounds.pace.round_size
    proposals = max(proposals, first_wave(grounds))
    work = _Work(
        proposals=proposals,
        answers=answers,
        calls=proposals * proposing.calls + answers * answering.calls,
        prompt_tokens=proposals * proposing.prompt_tokens + answers * answering.prompt_tokens,
        completion_tokens=(
            proposals * proposing.completion_tokens + answers * answering.completion_tokens
        ),
        embedding_tokens=0,
        micro_usd=0,
    )
    return _priced(grounds, work)


def _priced(grounds: Grounds, work: _Work) -> _Work:
    extra = grounds.embeddings
    tokens, paid = 0.0, 0
    if extra is not None:
        candidates = work.proposals * grounds.yields.novel_per_proposal / grounds.yields.novel_share
        tokens = extra.seed_tokens + candidates * extra.candidate_tokens
        paid = extra.cost(math.ceil(tokens))
    if grounds.cost is not None:
        paid += grounds.cost(math.ceil(work.prompt_tokens), math.ceil(work.completion_tokens))
    return replace(work, embedding_tokens=tokens, micro_usd=paid)


def _share_within_caps(grounds: Grounds, whole: _Work) -> float:
    """How much of the work the caps allow."""
    share = min(1.0, grounds.cap_calls / whole.calls) if whole.calls else 1.0
    if grounds.cap_micro_usd is not None and grounds.cost is not None and whole.micro_usd:
        share = min(share, grounds.cap_micro_usd / whole.micro_usd)
    return share


def _embedded(
    grounds: Grounds, whole: _Work, share: float, most_completion: int
) -> Expected | None:
    if grounds.embeddings is None:
        return None
    # All that is embedded besides the seeds was in a reply.
    most = grounds.embeddings.seed_tokens + most_completion
    return _bounded(whole.embedding_tokens * share, most)


def _money(
    grounds: Grounds, whole: _Work, share: float, embedded: Expected | None
) -> Expected | None:
    if grounds.cost is None:
        return None
    # Every call's price is rounded up by itself.
    call = grounds.cost(grounds.most_prompt_tokens, grounds.most_completion_tokens)
    most = grounds.cap_calls * call
    if grounds.embeddings is not None and embedded is not None:
        most += grounds.embeddings.cost(embedded.most)
    if grounds.cap_micro_usd is not None:
        most = min(most, grounds.cap_micro_usd)
    return _bounded(whole.micro_usd * share, most)


def _bounded(expected: float, most: int) -> Expected:
    return Expected(min(math.ceil(expected), most), most)


def _seconds(grounds: Grounds, whole: _Work, share: float) -> int:
    """Calls by latency and concurrency, or by the slower of the budgets a minute."""
    pace = grounds.pace
    seconds = _waves(grounds, whole, share) * pace.latency_s
    if pace.requests_per_minute:
        seconds = max(seconds, 60 * whole.calls * share / pace.requests_per_minute)
    if pace.tokens_per_minute:
        tokens = (whole.prompt_tokens + whole.completion_tokens) * share
        seconds = max(seconds, 60 * tokens / pace.tokens_per_minute)
    return math.ceil(seconds)


def _waves(grounds: Grounds, whole: _Work, share: float) -> float:
    """How many calls follow one another on the longest way through the job."""
    depth = grounds.proposing.calls + grounds.answering.calls
    round_size = grounds.pace.round_size
    if round_size is None or not whole.proposals:
        return max(depth, whole.calls * share / grounds.pace.concurrency)
    rounds = max(1.0, whole.proposals * share / round_size)
    answers = whole.answers * share / rounds
    each = (
        math.ceil(round_size / grounds.pace.concurrency) * grounds.proposing.calls
        + math.ceil(answers / grounds.pace.concurrency) * grounds.answering.calls
    )
    return rounds * each
