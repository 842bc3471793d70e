"""What an estimate assumes, in plain words, each with its figure and where that comes from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.estimate import (
    PRIOR_REPLY_SHARE,
    PRIOR_ROWS_PER_S,
    PRIOR_TOKENS_PER_S,
    PRIOR_WAIT_S,
    Grounds,
    Talk,
    first_wave,
)
from app.domain.reuse import Reuse
from app.domain.stored import TeacherRecord


class Origin(StrEnum):
    """Where a figure comes from."""

    HISTORY = "history"
    MEASURED = "measured"
    ASSUMED = "assumed"
    SETTING = "setting"


@dataclass(frozen=True, slots=True)
class Assumption:
    """One figure that an estimate rests on; `value` is None where it is a statement alone."""

    name: str
    value: float | None
    origin: Origin
    text: str


@dataclass(frozen=True, slots=True)
class Basis:
    """What an estimate is made from, with how much was looked at for it."""

    grounds: Grounds
    teacher: TeacherRecord
    embedder: TeacherRecord | None
    reuse: str
    rehearsed: int
    alike_jobs: int
    alike_conversations: int
    measured_calls: int
    bytes_per_token: float
    lengths_known: bool


def assumptions(basis: Basis) -> Sequence[Assumption]:
    """All of them, in the order in which a person would ask."""
    return [
        *_yields(basis),
        *_talks(basis),
        *_bounds(basis),
        *_money(basis),
        *_time(basis),
        *_left_out(basis),
    ]


def without_calls(most_rows: int) -> Sequence[Assumption]:
    """What is assumed of a job that asks no teacher."""
    return [
        Assumption("most_calls", 0, Origin.SETTING, "The method makes no calls."),
        Assumption(
            "most_rows",
            most_rows,
            Origin.MEASURED,
            f"{most_rows:,} rows at most, before any is skipped or found to be a duplicate.",
        ),
        Assumption(
            "rows_per_s",
            PRIOR_ROWS_PER_S,
            Origin.ASSUMED,
            f"{PRIOR_ROWS_PER_S:.0f} rows a second (assumed).",
        ),
    ]


def _yields(basis: Basis) -> Iterator[Assumption]:
    yields = basis.grounds.yields
    origin, source = Origin.ASSUMED, "assumed, as no such job has ended here"
    if basis.alike_jobs:
        origin = Origin.HISTORY
        source = (
            f"from {basis.alike_conversations:,} conversations of {basis.alike_jobs} ended jobs "
            "with this method, profile and teacher"
        )
    yield Assumption(
        "novel_per_proposal",
        round(yields.novel_per_proposal, 3),
        origin,
        f"{yields.novel_per_proposal:.2f} novel instructions from each conversation that proposes "
        f"({source}).",
    )
    yield Assumption(
        "rows_per_answer",
        round(yields.rows_per_answer, 3),
        origin,
        f"{yields.rows_per_answer:.2f} accepted rows from each instruction that is answered "
        f"({source}).",
    )
    begun = first_wave(basis.grounds)
    if begun:
        text = f"{begun:,} conversations propose at least: a job begins them before it knows more."
        yield Assumption("first_proposals", begun, Origin.SETTING, text)


def _talks(basis: Basis) -> Iterator[Assumption]:
    grounds = basis.grounds
    for name, talk in (("propose", grounds.proposing), ("answer", grounds.answering)):
        yield from _talk(basis, name, talk)
    measured = basis.measured_calls
    yield Assumption(
        "bytes_per_token",
        round(basis.bytes_per_token, 3),
        Origin.HISTORY if measured else Origin.ASSUMED,
        f"{basis.bytes_per_token:.2f} bytes of a prompt a token "
        + (f"(from {measured:,} calls to this teacher)." if measured else "(assumed)."),
    )


def _talk(basis: Basis, name: str, talk: Talk) -> Iterator[Assumption]:
    calls = max(talk.calls, 1.0)
    yield Assumption(
        f"{name}_calls",
        round(talk.calls, 3),
        Origin.MEASURED,
        f"{talk.calls:.2f} calls to {name}, with {talk.prompt_tokens / calls:,.0f} tokens in the "
        f"average prompt ({basis.rehearsed} conversations were gone through, their prompts built "
        "from the seeds).",
    )
    share = f"assumed: {PRIOR_REPLY_SHARE:.0%} of the most that is asked for"
    yield Assumption(
        f"{name}_reply_tokens",
        round(talk.completion_tokens / calls, 3),
        Origin.HISTORY if basis.lengths_known else Origin.ASSUMED,
        f"{talk.completion_tokens / calls:,.0f} tokens in the average reply to it "
        + ("(from ended jobs like this)." if basis.lengths_known else f"({share})."),
    )


def _bounds(basis: Basis) -> Iterator[Assumption]:
    grounds = basis.grounds
    yield Assumption(
        "most_calls",
        grounds.cap_calls,
        Origin.SETTING,
        f"{grounds.cap_calls:,} calls at most: the job's cap, past which nothing is sent.",
    )
    yield Assumption(
        "most_prompt_tokens",
        grounds.most_prompt_tokens,
        Origin.MEASURED,
        f"{grounds.most_prompt_tokens:,} tokens at most in a prompt: the bytes of the largest that "
        "was built, and for each text that it may show the longest seed or the longest reply.",
    )
    yield Assumption(
        "most_reply_tokens",
        grounds.most_completion_tokens,
        Origin.SETTING,
        f"{grounds.most_completion_tokens:,} tokens at most in a reply: the most that is asked "
        "for.",
    )


def _money(basis: Basis) -> Iterator[Assumption]:
    teacher, cap = basis.teacher, basis.grounds.cap_micro_usd
    for way, price in (
        ("input", teacher.input_micro_usd_per_million),
        ("output", teacher.output_micro_usd_per_million),
    ):
        if price is not None:
            text = f"{_dollars(price)} per million {way} tokens, as registered with the teacher."
            yield Assumption(f"{way}_price", price, Origin.SETTING, text)
    embedder = basis.embedder
    if embedder is not None and embedder.input_micro_usd_per_million is not None:
        price = embedder.input_micro_usd_per_million
        text = f"{_dollars(price)} per million tokens embedded, as registered with the embedder."
        yield Assumption("embedding_price", price, Origin.SETTING, text)
    if cap is not None:
        text = f"{_dollars(cap)} at most: what is spent and reserved never passes the job's cap."
        yield Assumption("most_micro_usd", cap, Origin.SETTING, text)


def _time(basis: Basis) -> Iterator[Assumption]:
    pace, measured = basis.grounds.pace, basis.measured_calls
    source = f"from {measured:,} calls to this teacher"
    if not measured:
        source = f"assumed: {PRIOR_WAIT_S} s, then {PRIOR_TOKENS_PER_S:.0f} tokens a second"
    yield Assumption(
        "latency_s",
        round(pace.latency_s, 3),
        Origin.HISTORY if measured else Origin.ASSUMED,
        f"{pace.latency_s:.2f} s a call ({source}).",
    )
    yield Assumption(
        "concurrency",
        pace.concurrency,
        Origin.SETTING,
        f"{pace.concurrency:,} calls at once, and no other job at this teacher.",
    )
    for name, limit in (
        ("requests_per_minute", pace.requests_per_minute),
        ("tokens_per_minute", pace.tokens_per_minute),
    ):
        if limit is not None:
            text = f"{limit:,} {name.replace('_', ' ')}, as registered with the teacher."
            yield Assumption(name, limit, Origin.SETTING, text)


def _left_out(basis: Basis) -> Iterator[Assumption]:
    yield Assumption(
        "failures",
        None,
        Origin.ASSUMED,
        "No failed or repeated calls are expected; the bounds include those that are paid. Time "
        "has no bound, for a teacher may be slow or away.",
    )
    yield Assumption(
        "novelty",
        None,
        Origin.ASSUMED,
        "The share of novel instructions stays as it is; it falls as a pool grows.",
    )
    if basis.reuse == Reuse.PREFER:
        yield Assumption(
            "reuse",
            None,
            Origin.ASSUMED,
            "Replies that can be reused are not looked for; they make the job cheaper.",
        )


def _dollars(micro_usd: int) -> str:
    return f"${micro_usd / 1_000_000:,.4f}"
