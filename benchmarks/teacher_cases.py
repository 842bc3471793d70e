"""The loads that clients of a teacher are compared under, and the figures that come of one run."""

import random
from dataclasses import dataclass, replace
from typing import Self

BURST = 20
RETRY_AFTER_S = 1
SHORT, LONG = 0.5, 5.5  # times the mean latency; one prompt in every ten takes the long one


@dataclass(frozen=True)
class Case:
    """One load; `prompts` that all differ, each wanted once."""

    name: str
    in_flight: int
    latency_s: float
    prompts: int
    long_tail: bool = False
    poison_every: int = 0  # of distinct prompts in order of arrival, the one that is always refused
    limit_per_s: float | None = None  # a bucket of BURST calls that is refilled so fast
    killed_at: float | None = None  # share of the prompts answered when the client is killed
    defaults: bool = False  # what the client does with failures when nothing is set

    @property
    def ideal_s(self) -> float:
        """The time from first request to last reply of a client that wastes none."""
        return self.time_for(self.prompts)

    def time_for(self, calls: int) -> float:
        """The same for another number of calls."""
        if self.limit_per_s is not None:
            return max(0, calls - BURST) / self.limit_per_s + self.latency_s
        return calls * self.latency_s / self.in_flight

    def wait_s(self, number: int) -> float:
        """What the teacher takes for its n-th distinct prompt, the same in every run."""
        if not self.long_tail:
            return self.latency_s
        is_long = number % 10 == random.Random(number // 10).randrange(10)
        return self.latency_s * (LONG if is_long else SHORT)

    def is_poison(self, number: int) -> bool:
        """Whether the n-th distinct prompt (from 1) is one that the teacher refuses for good."""
        return self.poison_every > 0 and number % self.poison_every == 0

    def scaled(self, share: float) -> Self:
        """The same load with fewer prompts, never fewer than are in flight."""
        return replace(self, prompts=max(self.in_flight, round(self.prompts * share)))


CASES = {
    case.name: case
    for case in (
        Case("steady_100", 100, 1.0, 2_000),
        Case("steady_500", 500, 1.0, 5_000),
        Case("steady_1000", 1_000, 2.0, 10_000),
        Case("long_tail", 50, 5.0, 400, long_tail=True),
        Case("poison", 50, 0.5, 500, poison_every=50),
        Case("poison_defaults", 50, 0.5, 500, poison_every=50, defaults=True),
        Case("rate_limit", 100, 0.5, 600, limit_per_s=20.0),
        Case("killed", 50, 0.5, 1_000, killed_at=0.5),
    )
}


@dataclass(frozen=True)
class Seen:
    """What the teacher saw; a prompt is known by its messages, whatever else a request holds."""

    window_s: float  # first request in to last reply out
    arrivals: int
    prompts: int  # distinct ones
    answered: int  # distinct ones that got a text
    refused: int  # replies with status 400
    limited: int  # replies with status 429
    sent_again: int  # let in once more after they had been let in
    answered_again: int  # of those, the ones whose text had already been sent
    most_in_flight: int


@dataclass(frozen=True)
class Figures:
    """What one client did under one load; `skipped` says why there is nothing."""

    client: str
    case: str
    skipped: str | None = None
    ended: str = "ok"  # or how else
    share_of_ideal: float | None = None
    cpu_s_per_1000: float | None = None
    peak_rss_mb: float | None = None
    rows: int | None = None  # usable ones that the client gave back
    seen: Seen | None = None


COLUMNS = (
    "client", "ended", "share of ideal", "CPU s / 1,000 prompts", "peak MB", "rows", "400s", "429s",
    "sent again", "of those answered", "most in flight",
)  # fmt: skip


def table(case: Case, results: list[Figures]) -> str:
    """One load's results in Markdown."""
    rule = "|---|---|" + "---:|" * (len(COLUMNS) - 2)
    lines = [f"| {' | '.join(COLUMNS)} |", rule, *(f"| {_line(each)} |" for each in results)]
    return f"### {case.name}: {_words(case)}\n\n" + "\n".join(lines) + "\n"


def _words(case: Case) -> str:
    parts = [f"{case.prompts:,} prompts, {case.in_flight:,} in flight, {case.latency_s:g} s"]
    if case.long_tail:
        parts.append("90 % half as long and 10 % 5.5 times as long")
    if case.poison_every:
        parts.append(f"every {case.poison_every}th refused for good")
    if case.limit_per_s is not None:
        parts.append(f"{case.limit_per_s:g} a second allowed")
    if case.killed_at is not None:
        parts.append(f"killed when {case.killed_at:.0%} were answered, run again")
    if case.defaults:
        parts.append("as clients treat failures by default")
    return ", ".join(parts)


def _line(figures: Figures) -> str:
    if figures.skipped is not None or figures.seen is None:
        return f"{figures.client} | {_cell(f'skipped: {figures.skipped}')}" + " | -" * (
            len(COLUMNS) - 2
        )
    seen = figures.seen
    cells = (
        figures.client, figures.ended, figures.share_of_ideal, figures.cpu_s_per_1000,
        figures.peak_rss_mb, figures.rows, seen.refused, seen.limited, seen.sent_again,
        seen.answered_again, seen.most_in_flight,
    )  # fmt: skip
    return " | ".join(_cell(cell) for cell in cells)


def _cell(value: str | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "/")
