"""Which of two models answers better, by a third one's judgement of each pair in both orders.

Judges prefer what they read first, or last (Zheng et al. 2023, arXiv:2306.05685, section 3.3), so
an answer wins only where both orders say so; everything else that could be read is a tie.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.language import Language
from app.domain.method import Decoding, Prompt
from app.domain.prompts.library import fill, prompt_file
from app.domain.scoring import gain

MOST_TOKENS = 64
_VERDICT = re.compile(r"\bbetter\b\W*\s*(?:answer\s+)?\(?(a|b|tie)\b", re.IGNORECASE)


class Preference(StrEnum):
    """What one reply says, by the place at which an answer stood."""

    A = "a"
    B = "b"
    TIE = "tie"


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt with the answers of two models; `key` names it for both."""

    key: str
    prompt: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of a pair with the first model's answer as A, and then as B; None: unread."""

    pair: Pair
    forward: Preference | None
    backward: Preference | None

    @property
    def gain(self) -> float | None:
        """1 where the second model won in both orders, -1 where the first did, 0 for a tie."""
        if self.forward is None or self.backward is None:
            return None
        both = (self.forward, self.backward)
        return {(Preference.B, Preference.A): 1.0, (Preference.A, Preference.B): -1.0}.get(
            both, 0.0
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the second model does against the first, over the `n` pairs judged in both orders.

    `win_rate` counts a tie as half, in [0, 1], with a bootstrap interval. `first_place` is the
    share of all decisions that went to the answer that stood first (0.5 is no bias), `one_sided`
    that of the pairs where the place decided. `longer_wins` is the share of wins that went to the
    longer answer. `unread` pairs have a reply that was missing or could not be read.
    """

    n: int
    wins: int
    losses: int
    ties: int
    unread: int
    win_rate: float
    low: float
    high: float
    confidence: float
    first_place: float | None
    one_sided: float
    longer_wins: float | None


def judge_prompt(pair: Pair, *, swapped: bool, language: Language = Language.ENGLISH) -> Prompt:
    """The question to the judge; `swapped` shows the second model's answer as A."""
    file = prompt_file("judge", "compare", language)
    first, second = (pair.second, pair.first) if swapped else (pair.first, pair.second)
    text = fill(file.frame, {"prompt": pair.prompt, "first": first, "second": second})
    decoding = Decoding(max_tokens=MOST_TOKENS, temperature=0.0)
    return Prompt("judge", text, decoding, file.label)


def read_preference(reply: str) -> Preference | None:
    """The last verdict in a reply; None where there is none."""
    found = _VERDICT.findall(reply)
    return Preference(found[-1].lower()) if found else None


def compared(judged: Sequence[Judged]) -> Comparison | None:
    """All pairs taken together; None where no pair was judged in both orders."""
    read = [each for each in judged if each.gain is not None]
    if not read:
        return None
    gains = [each.gain or 0.0 for each in read]
    found = gain([0.0] * len(read), [(1 + each) / 2 for each in gains])
    decided = [p for each in read for p in (each.forward, each.backward) if p is not Preference.TIE]
    one_sided = [each for each in read if each.forward is each.backward is not Preference.TIE]
    won = [each for each in read if each.gain and len(each.pair.first) != len(each.pair.second)]
    longer = [each for each in won if (each.gain == 1) == _second_is_longer(each.pair)]
    return Comparison(
        n=len(read),
        wins=gains.count(1.0),
        losses=gains.count(-1.0),
        ties=gains.count(0.0),
        unread=len(judged) - len(read),
        win_rate=found.mean,
        low=found.low,
        high=found.high,
        confidence=found.confidence,
        first_place=decided.count(Preference.A) / len(decided) if decided else None,
        one_sided=len(one_sided) / len(read),
        longer_wins=len(longer) / len(won) if won else None,
    )


def _second_is_longer(pair: Pair) -> bool:
    return len(pair.second) > len(pair.first)
