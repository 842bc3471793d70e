"""A grammar's word lists, and how a template is filled from them."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random

Words = Mapping[str, Sequence[str]]


def listed(text: str, separator: str) -> tuple[str, ...]:
    """The words of a list written as one text."""
    return tuple(text.split(separator))


class Vocabulary(Mapping[str, str]):
    """Fills `{slot}` by drawing a word, `{a slot}` with its article, `{n low-high}` with a number.

    Drawn words may hold slots themselves. One object serves one `Random`.
    """

    def __init__(self, words: Words, rng: Random) -> None:
        self._words, self.rng = words, rng

    def fill(self, template: str) -> str:
        """The template with every slot drawn."""
        return template.format_map(self) if "{" in template else template

    def draw(self, slot: str) -> str:
        """One filled word of a slot."""
        words = self._words[slot]
        return self.fill(words[int(self.rng.random() * len(words))])

    def __getitem__(self, key: str) -> str:
        if key.startswith("a "):
            word = self.draw(key[2:])
            return ("an " if word[0] in "aeiou" else "a ") + word
        if key.startswith("n "):
            low, _, high = key[2:].partition("-")
            return str(self.rng.randint(int(low), int(high)))
        return self.draw(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def __len__(self) -> int:
        return len(self._words)
