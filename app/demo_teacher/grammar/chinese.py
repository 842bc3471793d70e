"""Chinese as the scripted teacher speaks it: a small grammar of its own."""

# ruff: noqa: RUF001 (Chinese punctuation is meant)

import re
from random import Random

from app.demo_teacher.grammar.chinese_words import (
    ANSWER_SENTENCES,
    CHINESE,
    CLASSIFICATION_TASKS,
    COMMON_TASKS,
    FLAWED_TASKS,
    HARDER,
    OPEN_TASKS,
    PASSAGE_SENTENCES,
    QUESTIONS,
    REASONS,
)
from app.demo_teacher.grammar.vocabulary import Vocabulary

CLASSIFICATION_SHARE = 0.2
FROM_SHOWN_SHARE = 0.8

_LABELS = re.compile(r"(?:属于|分类为|类别[：:]|是)([^，。：:？?]*或[^，。？?]*)")


class Chinese:
    """`Speech` in Chinese."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._words = Vocabulary(CHINESE, rng)

    def instruction(self, *, only_classification: bool = False) -> str:
        """A fresh task; a fifth of them classification tasks."""
        classification = only_classification or self.rng.random() < CLASSIFICATION_SHARE
        return self._one_of(CLASSIFICATION_TASKS if classification else OPEN_TASKS)

    def near_copy(self, shown: list[str]) -> str:
        """A shown instruction, or one of the fixed list, with one or two characters more."""
        source = self.rng.choice(COMMON_TASKS)
        if shown and self.rng.random() < FROM_SHOWN_SHARE:
            source = self.rng.choice(shown)
        return self.rng.choice(("请" + source, source.rstrip("。？") + "吧。", source))

    def flawed(self) -> str:
        """Too short, empty, unfit words, an odd first character."""
        return self._one_of(FLAWED_TASKS)

    def labels(self, task: str) -> list[str]:
        """The labels that a task names (`属于正面或负面`), else a made-up set."""
        found = _LABELS.search(task)
        text = found[1] if found else self._words.draw("fixed choice")
        return [part for part in re.split(r"、|或者|或", text) if part]

    def passage(self, task: str) -> str:
        """One to three sentences."""
        return self._sentences(PASSAGE_SENTENCES, most=3)

    def answer(self, task: str) -> str:
        """One to four sentences."""
        return self._sentences(ANSWER_SENTENCES, most=4)

    def question(self, topic: str) -> str:
        """One question."""
        return self._one_of(QUESTIONS).replace("@", topic[:12] or self._words.draw("subject"))

    def harder(self, task: str) -> str:
        """The task with one more demand."""
        return f"{task.rstrip('。？！ ')}。{self._one_of(HARDER)}"

    def reason(self) -> str:
        """One sentence."""
        return self._one_of(REASONS)

    def _one_of(self, templates: tuple[str, ...]) -> str:
        return self._words.fill(self.rng.choice(templates))

    def _sentences(self, templates: tuple[str, ...], most: int) -> str:
        return "".join(self._one_of(templates) for _ in range(self.rng.randint(1, most)))
