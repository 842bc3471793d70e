"""Drops a row whose answer says the same thing over and over."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import eq

from app.domain.filter import answers
from app.domain.options import option
from app.domain.records import Instance
from app.domain.tokens import unicode_tokens

_LONGEST_PERIOD = 64
_PAIR = 2


@dataclass(frozen=True, slots=True)
class RepetitionLoop:
    """Degeneration (Holtzman et al. 2020, arXiv:1904.09751): a model caught in a loop.

    A stretch of up to 64 tokens that follows on itself, so that a refrain between verses or the
    columns of a table are no loop.
    """

    times: int = option(5, "how often the stretch stands there in a row", minimum=2, maximum=1000)
    least_tokens: int = option(
        30, "tokens that all of it has at least, words or Chinese characters", minimum=2,
        maximum=100_000,
    )  # fmt: skip

    def reason(self, instruction: str, instance: Instance) -> str | None:
        return "repetition_loop" if any(map(self._loops, answers(instance))) else None

    def _loops(self, text: str) -> bool:
        if len(text) < self.least_tokens:
            return False
        tokens = unicode_tokens(text)
        # A loop of so many tokens repeats nearly all of its pairs: most texts end here.
        repeated = len(tokens) - 1 - len(set(pairwise(tokens)))
        spared = self.least_tokens // self.times + _PAIR
        if repeated < self.least_tokens - spared:
            return False
        return any(self._loops_by(tokens, period) for period in range(1, _LONGEST_PERIOD + 1))

    def _loops_by(self, tokens: Sequence[str], period: int) -> bool:
        """Whether tokens equal those `period` before them for as long as the limits want."""
        wanted = max(period * (self.times - 1), self.least_tokens - period)
        if len(tokens) < wanted + period:
            return False
        equal = bytes(map(eq, tokens, tokens[period:]))
        return b"\1" * wanted in equal
