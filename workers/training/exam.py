"""What a model is asked before and after it is tuned, and what became better or worse.

Self-Instruct (Wang et al. 2023, arXiv:2212.10560) measures by ROUGE-L on held-out tasks; the loss
on tasks of people and on neutral text tells what was learnt and what was forgotten.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

from app.domain.scoring import answer_score, gain, score
from app.domain.tokens import unicode_tokens
from workers.training.answers import Answer, Answering, answer, text_of
from workers.training.data import Encoded
from workers.training.evaluate import Loss, completion_loss
from workers.training.overlap import overlapping

_SHOWN, _SHOWN_CHARACTERS = 5, 600
_LOOPS_ABOVE = 0.5  # of its pairs of words an answer has had before: it goes round in circles
_ECHO_CHARACTERS = 40  # of a prompt that an answer repeats


@dataclass(frozen=True, slots=True)
class Findings:
    """What one model made of the exam; None where there was nothing to ask."""

    held_out: Loss | None
    seeds: Loss | None
    neutral: Loss
    answers: tuple[Answer, ...]

    @classmethod
    def of_json(cls, members: Mapping[str, Any]) -> "Findings":
        """Read back what `asdict` wrote."""
        losses = {name: _loss(members[name]) for name in ("held_out", "seeds", "neutral")}
        return cls(answers=tuple(Answer(**each) for each in members["answers"]), **losses)


def _loss(members: Mapping[str, Any] | None) -> Any:
    return members and Loss(tuple(members["nats"]), tuple(members["tokens"]))


@dataclass(frozen=True)
class Exam:
    """The rows that are asked, and how; `questions` are those that are answered in words."""

    held_out: Sequence[Encoded]
    seeds: Sequence[Encoded]
    neutral: Sequence[Encoded]
    questions: Sequence[Encoded]
    how: Answering

    def take(self, model: Any, heard: Callable[[], None], *, untuned: bool = False) -> Findings:
        """Ask a model; before the prompts of an `untuned` one stand no virtual tokens."""
        how = replace(self.how, padded=True) if untuned else self.how
        return Findings(
            held_out=completion_loss(model, self.held_out, heard) if self.held_out else None,
            seeds=completion_loss(model, self.seeds, heard) if self.seeds else None,
            neutral=completion_loss(model, self.neutral, heard),
            answers=answer(model, self.questions, how, heard),
        )

    def compared(
        self, before: Findings, after: Findings, train: Sequence[Encoded]
    ) -> Mapping[str, Any]:
        """The member `evaluation` of metrics.json."""
        found = {
            "held_out": losses(before.held_out, after.held_out),
            "seeds": losses(before.seeds, after.seeds),
            "neutral": losses(before.neutral, after.neutral),
            "answers": self._answers(before.answers, after.answers),
            "overlap": overlapping(train, [*self.held_out, *self.seeds]),
            "samples": self._samples(before.answers, after.answers),
        }
        return found | {"verdict": verdict(found)}

    def predictions(self, answers: Sequence[Answer]) -> list[Mapping[str, str]]:
        """A line for each question, as `cultivar score` and `cultivar compare` read them."""
        return [
            {
                "id": row.id,
                "prompt": self._prompt(row),
                "target": self._target(row),
                "response": each.text,
            }
            for row, each in zip(self.questions, answers, strict=True)
        ]

    def _prompt(self, row: Encoded) -> str:
        return text_of(self.how.tokenizer, row.ids[: row.prompt])

    def _target(self, row: Encoded) -> str:
        return text_of(self.how.tokenizer, row.ids[row.prompt :])

    def _answers(self, before: Sequence[Answer], after: Sequence[Answer]) -> Any:
        if not self.questions:
            return None
        targets = [self._target(row) for row in self.questions]
        first, second = (
            [answer_score(a.text, t) for a, t in zip(each, targets, strict=True)]
            for each in (before, after)
        )
        gained = gain([100 * each for each in first], [100 * each for each in second])
        prompts = [self._prompt(row) for row in self.questions]
        return {
            "n": len(targets),
            "rouge_l": {
                "before": asdict(score(first)),
                "after": asdict(score(second)),
                "gain": asdict(gained),
            },
            "exact_match": self._exact(before, after, targets),
            "form": {"before": form(before, prompts), "after": form(after, prompts)},
        }

    def _exact(
        self, before: Sequence[Answer], after: Sequence[Answer], targets: Sequence[str]
    ) -> Any:
        """Of the rows that ask for a label, how many were given it."""
        places = [at for at, row in enumerate(self.questions) if row.classification]
        if not places:
            return None

        def right(answers: Sequence[Answer]) -> float:
            return sum(_plain(answers[at].text) == _plain(targets[at]) for at in places) / len(
                places
            )

        return {"n": len(places), "before": right(before), "after": right(after)}

    def _samples(
        self, before: Sequence[Answer], after: Sequence[Answer]
    ) -> list[Mapping[str, str]]:
        rows = list(zip(self.questions, before, after, strict=True))[:_SHOWN]
        return [
            {
                "prompt": _shortened(self._prompt(row), keep_end=True),
                "target": _shortened(self._target(row)),
                "before": _shortened(first.text),
                "after": _shortened(second.text),
            }
            for row, first, second in rows
        ]


def losses(before: Loss | None, after: Loss | None) -> Mapping[str, Any] | None:
    """Nats a token before and after, and the change with its interval: below zero is better."""
    if before is None or after is None:
        return None
    change = gain(before.nats, after.nats, before.tokens)
    return {
        "before": before.mean,
        "after": after.mean,
        "rows": len(after.nats),
        "tokens": sum(after.tokens),
        "change": {"mean": change.mean, "low": change.low, "high": change.high},
    }


def form(answers: Sequence[Answer], prompts: Sequence[str]) -> Mapping[str, float]:
    """The shares of answers that are empty, unfinished, repeat their prompt, or go in circles."""
    pairs = list(zip(answers, prompts, strict=True))
    faults = {
        "empty": [not each.text.strip() for each in answers],
        "unfinished": [not each.ended for each in answers],
        "echo": [_echoes(each.text, prompt) for each, prompt in pairs],
        "repetitive": [_repeated(each.text) > _LOOPS_ABOVE for each in answers],
    }
    return {name: sum(each) / len(answers) for name, each in faults.items()}


def verdict(found: Mapping[str, Any]) -> Mapping[str, bool | None]:
    """Three plain questions; None where nothing was held out or asked.

    `learnt`: the loss on seeds, or else on held-out rows, fell, with all of its interval below
    zero. `remembers`: the loss on neutral text rose by less than 2 %. `well_formed`: no fault of
    form became more frequent.
    """
    watched, neutral = found["seeds"] or found["held_out"], found["neutral"]
    shape = found["answers"] and found["answers"]["form"]
    return {
        "learnt": None if watched is None else watched["change"]["high"] < 0,
        "remembers": neutral["after"] < 1.02 * neutral["before"],
        "well_formed": shape
        and all(shape["after"][name] <= shape["before"][name] for name in shape["before"]),
    }


def spread(rows: Sequence[Encoded], count: int) -> list[Encoded]:
    """So many of the rows, evenly spaced."""
    wanted = min(count, len(rows))
    return [rows[at * len(rows) // wanted] for at in range(wanted)]


def questions_of(
    held_out: Sequence[Encoded], seeds: Sequence[Encoded], count: int
) -> list[Encoded]:
    """Half seeds and half held-out rows; where one is short the other has its place."""
    of_seeds = spread(seeds, max(count // 2, count - len(held_out)))
    return of_seeds + spread(held_out, count - len(of_seeds))


def _plain(text: str) -> str:
    """A label as it counts: neither case nor space nor a full stop makes it another one."""
    return " ".join(text.split()).rstrip(".。").casefold()


def _echoes(text: str, prompt: str) -> bool:
    asked = " ".join(prompt.split())[-_ECHO_CHARACTERS:]
    return len(asked) == _ECHO_CHARACTERS and asked in " ".join(text.split())


def _repeated(text: str) -> float:
    pairs = list(pairwise(unicode_tokens(text)))
    return 1 - len(set(pairs)) / len(pairs) if pairs else 0.0


def _shortened(text: str, *, keep_end: bool = False) -> str:
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    return "…" + text[-_SHOWN_CHARACTERS:] if keep_end else text[:_SHOWN_CHARACTERS] + "…"
