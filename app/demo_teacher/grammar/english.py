"""English as the scripted teacher speaks it: plausible, varied and plainly made up."""

import re
from random import Random

from app.demo_teacher.grammar.english_words import (
    ANSWER_SENTENCES,
    CLASSIFICATION_TASKS,
    COMMON_TASKS,
    ENGLISH,
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
SHORT_TASK_WORDS = 8
LONG_TASK_CLAUSES = 24

LABEL_CHARACTERS = 200
MOST_LABEL_WORDS = 2

_LABELS = re.compile(r"([^:.;?!]*) or ([^:.;?!]+)[.?!]?\s*$")
_LABEL_LEAD = re.compile(r"^.*\b(?:as|into|is|are|either|sentence|between)\s+")
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]{4,}")


class English:
    """`Speech` in English."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._words = Vocabulary(ENGLISH, rng)

    def instruction(self, *, only_classification: bool = False) -> str:
        """A fresh task of 7 to about 40 words; a fifth of them classification tasks."""
        classification = only_classification or self.rng.random() < CLASSIFICATION_SHARE
        return self._one_of(CLASSIFICATION_TASKS if classification else OPEN_TASKS)

    def near_copy(self, shown: list[str]) -> str:
        """A shown instruction, or one of the fixed list, with at most one word changed."""
        rng = self.rng
        source = rng.choice(COMMON_TASKS)
        if shown and rng.random() < FROM_SHOWN_SHARE:
            source = rng.choice(shown)
        parts = source.split()
        change = rng.randrange(3)
        if len(parts) < SHORT_TASK_WORDS or change == 0:
            return "Please " + source[:1].lower() + source[1:]
        at = rng.randrange(1, len(parts) - 1)
        parts[at : at + change - 1] = [self._words.draw("quality")]
        return " ".join(parts)

    def flawed(self) -> str:
        """Too short, too long, empty, unfit words, a foreign or odd first character, ..."""
        pick = self.rng.randrange(len(FLAWED_TASKS) + 1)
        if pick < len(FLAWED_TASKS):
            return self._words.fill(FLAWED_TASKS[pick])
        clause = "and {constraint}, for {audience}"
        clauses = (self._words.fill(clause) for _ in range(LONG_TASK_CLAUSES))
        return f"Tell a story about {self._words.draw('subject')} {' '.join(clauses)}."

    def labels(self, task: str) -> list[str]:
        """The labels a task ends with (`... as formal or casual.`), else a made-up set."""
        found = _LABELS.search(task.strip()[-LABEL_CHARACTERS:])
        if found is None:
            return [
                part.capitalize() for part in re.split(", | or ", self._words.draw("fixed choice"))
            ]
        parts = [*_LABEL_LEAD.sub("", found[1]).split(","), found[2]]
        first = parts[0].split()
        parts[0] = " ".join(first[-1:] if len(first) > MOST_LABEL_WORDS else first)
        return [part.strip().capitalize() for part in parts if part.strip()]

    def passage(self, task: str) -> str:
        """One to three sentences, mostly on a word of the task."""
        return self._sentences(PASSAGE_SENTENCES, task, most=3)

    def answer(self, task: str) -> str:
        """One to four sentences, mostly on a word of the task."""
        return self._sentences(ANSWER_SENTENCES, task, most=4)

    def question(self, topic: str) -> str:
        """One question."""
        return self._one_of(QUESTIONS).replace("@", self._topic(topic))

    def harder(self, task: str) -> str:
        """The task with 10 to 20 more words."""
        return f"{task.rstrip(' .?!')}. {self._one_of(HARDER)}"

    def reason(self) -> str:
        """One sentence."""
        return self._one_of(REASONS)

    def _one_of(self, templates: tuple[str, ...]) -> str:
        return self._words.fill(templates[int(self.rng.random() * len(templates))])

    def _topic(self, task: str) -> str:
        found = _WORD.findall(task)
        return self.rng.choice(found).lower() if found else self._words.draw("subject")

    def _sentences(self, templates: tuple[str, ...], task: str, most: int) -> str:
        count = self.rng.randint(1, most)
        return " ".join(
            self._one_of(templates).replace("@", self._topic(task)) for _ in range(count)
        )
