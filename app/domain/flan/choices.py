"""How answer options are printed, and by which mark an option may be named."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

_OPENERS = (
    "Options:",
    "OPTIONS:",
    "Choices:",
    "Choose from:",
    "Pick one:",
    "Possible answers:",
    "The answer is one of these:",
    "Select an option:",
    "Your choices are:",
    "Which of these?",
)
_ENDINGS = ("", "\nAnswer:", "\nYour answer:")
_ROMAN = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_LETTERS = 26


def _letter(position: int) -> str:
    return chr(ord("a") + position)


def _number(position: int) -> str:
    return str(position + 1)


def _roman(position: int) -> str:
    left, found = position + 1, ""
    for value, digits in _ROMAN:
        while left >= value:
            found, left = found + digits, left - value
    return found


_SIGNS: tuple[Callable[[int], str], ...] = (
    _letter,
    lambda position: _letter(position).upper(),
    _number,
    _roman,
    lambda position: _roman(position).upper(),
)
_FRAMES = ("({})", "{})", "{}.", "[{}]")
_BULLETS = ("-", "*", "+", "•", "--", ">")


@dataclass(frozen=True, slots=True)
class OptionStyle:
    """One way to print options; with a `sign` each has a mark of its own, which is the answer.

    >>> OptionStyle("Pick one:", _letter, "({})").block(["yes", "no"])
    'Pick one:\\n(a) yes\\n(b) no'
    """

    opener: str
    sign: Callable[[int], str] | None
    frame: str
    ending: str = ""

    @property
    def lettered(self) -> bool:
        """Whether an option is answered by its mark instead of its text."""
        return self.sign is not None

    def block(self, options: Sequence[str]) -> str:
        """The options below their opener."""
        lines = (f"{self._mark(number)} {option}" for number, option in enumerate(options))
        return "\n".join([self.opener, *lines]) + self.ending

    def answer(self, options: Sequence[str], answer: str) -> str:
        """What is to be answered: the mark of the option, or its text where marks are alike."""
        return self._mark(options.index(answer)) if self.lettered else answer

    def _mark(self, number: int) -> str:
        return self.frame if self.sign is None else self.frame.format(self.sign(number))


def draw_style(chance: Random, most_options: int, *, ended: bool = True) -> OptionStyle:
    """A style at random; where letters would run out, options are numbered.

    `ended` lets something follow the options, where no layout has its own word for the answer.
    """
    opener, ending = chance.choice(_OPENERS), chance.choice(_ENDINGS) if ended else ""
    if chance.random() < 0.5:
        return OptionStyle(opener, None, chance.choice(_BULLETS), ending)
    sign = chance.choice(_SIGNS) if most_options <= _LETTERS else _number
    return OptionStyle(opener, sign, chance.choice(_FRAMES), ending)
