"""What can go wrong with a call on purpose: names, rates and the seeded choice among them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.demo_teacher.draws import unit


class Fault(StrEnum):
    """One way in which a call goes wrong; the value is its name in `--faults`."""

    RATE_LIMITED = "429"
    RATE_LIMITED_SECONDS = "429_seconds"
    RATE_LIMITED_DATE = "429_date"
    RATE_LIMITED_JUNK = "429_junk"
    RATE_LIMITED_BARE = "429_bare"
    RATE_LIMITED_RESET = "429_reset"
    QUOTA = "quota"
    BAD_REQUEST = "400"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    REQUEST_TIMEOUT = "408"
    CONFLICT = "409"
    UNPROCESSABLE = "422"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    GATEWAY_TIMEOUT = "504"
    REFUSE = "refuse"
    RESET_EARLY = "reset_early"
    RESET = "reset"
    TIMEOUT = "timeout"
    LATE = "late"
    DRIP = "drip"
    TRUNCATED = "truncated"
    HTML = "html"
    REDIRECT = "redirect"
    HUGE = "huge"
    GZIP_BOMB = "gzip_bomb"
    BAD_UTF8 = "bad_utf8"
    EMPTY_CHOICES = "empty_choices"
    NULL_CONTENT = "null_content"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    NO_USAGE = "no_usage"
    ABSURD_USAGE = "absurd_usage"
    NUL = "nul"
    SURROGATE = "surrogate"


MIX = "mix"
"""What stands for all of `MIX_RATES` in a plan."""

MIX_RATES: Mapping[Fault, float] = {
    Fault.RATE_LIMITED_SECONDS: 0.05,
    Fault.RATE_LIMITED_DATE: 0.02,
    Fault.SERVER_ERROR: 0.02,
    Fault.BAD_GATEWAY: 0.01,
    Fault.UNAVAILABLE: 0.01,
    Fault.GATEWAY_TIMEOUT: 0.01,
    Fault.REQUEST_TIMEOUT: 0.005,
    Fault.CONFLICT: 0.005,
    Fault.RESET_EARLY: 0.01,
    Fault.RESET: 0.02,
    Fault.TIMEOUT: 0.01,
    Fault.DRIP: 0.01,
    Fault.LATE: 0.01,
    Fault.TRUNCATED: 0.02,
    Fault.HTML: 0.01,
    Fault.EMPTY_CHOICES: 0.02,
    Fault.NULL_CONTENT: 0.01,
    Fault.LENGTH: 0.03,
    Fault.CONTENT_FILTER: 0.02,
    Fault.NO_USAGE: 0.02,
    Fault.ABSURD_USAGE: 0.01,
    Fault.HUGE: 0.005,
    Fault.GZIP_BOMB: 0.002,
    Fault.REDIRECT: 0.005,
}
"""A bad day: about a third of all calls meet something, each kind as often as it is seen."""


@dataclass(frozen=True)
class FaultPlan:
    """Rates by fault. `refuse` hangs on the prompt alone, the others on prompt and attempt."""

    rates: Mapping[Fault, float] = field(default_factory=dict[Fault, float])

    def choose(self, seed: int, digest: bytes, attempt: int) -> Fault | None:
        """The fault of this attempt (counted from 1) of this prompt, or none."""
        refused = self.rates.get(Fault.REFUSE, 0.0)
        if refused and unit(seed, "refuse", digest) < refused:
            return Fault.REFUSE
        return self._choose_passing(seed, digest, attempt) if self.rates else None

    def _choose_passing(self, seed: int, digest: bytes, attempt: int) -> Fault | None:
        left = unit(seed, "fault", digest, attempt)
        for fault, rate in self.rates.items():
            if fault is not Fault.REFUSE:
                left -= rate
                if left < 0:
                    return fault
        return None


def parse_faults(text: str) -> FaultPlan:
    """A plan from `name=rate,name=rate`; ValueError names what cannot be read.

    `mix=1` is every rate of `MIX_RATES`, `mix=0.5` half of each; what is named besides wins.
    """
    rates: dict[Fault, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, rate = part.partition("=")
        if name == MIX:
            share = _rate(part, rate)
            rates = {fault: usual * share for fault, usual in MIX_RATES.items()} | rates
        else:
            rates[fault_named(name)] = _rate(part, rate)
    if sum(rate for fault, rate in rates.items() if fault is not Fault.REFUSE) > 1.0 + 1e-9:
        raise ValueError("the rates add up to more than 1")
    return FaultPlan(rates)


def fault_named(name: str) -> Fault:
    """The fault of that name; ValueError lists the known ones."""
    try:
        return Fault(name)
    except ValueError:
        raise ValueError(f"unknown fault {name!r}; known: {', '.join(Fault)}") from None


def _rate(part: str, text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        raise ValueError(f"{part!r} is not NAME=RATE") from None
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"{part!r}: a rate lies between 0 and 1")
    return rate
