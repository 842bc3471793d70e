"""One solved task as a mixture takes it in, whatever the line of its file looks like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from app.domain.flan.chains import CHAIN_FORMS, phrased
from app.errors import Problem

_CHAIN_NAMES = ("chain", "chain_of_thought", "rationale", "cot")
_OPENING_TURNS = 20


@dataclass(frozen=True, slots=True)
class Case:
    """A task and its answer; exemplars are drawn among cases of the same template.

    `options` are the answers to choose from; `shown` says that the input names them already.
    `chain` is the reasoning that comes before the answer, `turns` the dialogue whose next turn is
    the answer.
    """

    row: int
    template: str
    input: str
    answer: str
    options: tuple[str, ...] = ()
    shown: bool = False
    question: str = ""
    chain: str = ""
    turns: tuple[str, ...] = ()

    def target(self, answer: str) -> str:
        """What is to be written for this answer, or for the mark that stands for it."""
        return phrased(self.template, self.chain, answer) if self.chain else answer

    @property
    def choosable(self) -> bool:
        """Whether there are two options at least, and the answer is one of them."""
        return len(self.options) > 1 and self.answer in self.options


class BadCase(ValueError):
    """A line that is no case; `problem` says why."""

    def __init__(self, name: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = Problem(f"/{name}", code, detail)


def read_case(fields: Mapping[str, object], number: int) -> Case:
    """A case of a line; `number` counts the lines of its file. Raises BadCase.

    Lines are `{"input", "target"}` as `templates render` writes them, `{"question", "answer",
    "chain"}`, `{"turns"}`, or `{"instruction", "input", "output"}`.
    """
    if "turns" in fields:
        return _dialogue(fields, number)
    chain = next((name for name in _CHAIN_NAMES if name in fields), None)
    if chain is not None and "question" in fields:
        return _chain(fields, number, chain)
    if "instruction" in fields and "output" in fields:
        given = "\n".join(filter(None, (_text(fields, "instruction"), _maybe(fields, "input"))))
        return Case(number, "instruction", given, _text(fields, "output"))
    return _rendered(fields, number)


def _rendered(fields: Mapping[str, object], number: int) -> Case:
    row = fields.get("row", number)
    return Case(
        row=row if isinstance(row, int) else number,
        template=_maybe(fields, "template"),
        input=_text(fields, "input"),
        answer=_text(fields, "target"),
        options=_options(fields),
        shown=fields.get("choices_in_prompt") is True,
    )


def _chain(fields: Mapping[str, object], number: int, chain: str) -> Case:
    """Forms take turns, so that each has an equal share and a case keeps its form."""
    form = sorted(CHAIN_FORMS)[number % len(CHAIN_FORMS)]
    question = _unfolded(_text(fields, "question"))
    return Case(
        row=number,
        template=form,
        input=CHAIN_FORMS[form].ask(question),
        answer=_unfolded(_text(fields, "answer")),
        options=_options(fields),
        question=question,
        chain=_unfolded(_text(fields, chain)),
    )


def _dialogue(fields: Mapping[str, object], number: int) -> Case:
    """The answer is a turn of the second speaker, another one from case to case."""
    value = fields["turns"]
    given = cast("Sequence[object]", value) if isinstance(value, list) else ()
    turns = tuple(each.strip() for each in given if isinstance(each, str) and each.strip())
    if len(turns) < 2 or len(turns) != len(given):
        raise BadCase("turns", "wrong_type", "turns must be a list of two texts at least")
    replies = range(1, min(len(turns), _OPENING_TURNS), 2)
    at = replies[number % len(replies)]
    said = "\n".join(f"{'AB'[n % 2]}: {turn}" for n, turn in enumerate(turns[:at]))
    return Case(number, "dialogue", f"{said}\nB:", turns[at], turns=turns[:at])


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if name not in fields:
        found = ", ".join(list(fields)[:8]) or "nothing"
        raise BadCase(name, "missing_field", f"there is no field {name}; there is {found}")
    raise BadCase(name, "wrong_type", f"{name} must be a text that is not empty")


def _maybe(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""


def _options(fields: Mapping[str, object]) -> tuple[str, ...]:
    """The options in their order, each once."""
    value = fields.get("options")
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadCase("options", "wrong_type", "options must be a list of texts")
    texts = [str(each).strip() for each in cast("list[object]", value)]
    return tuple(dict.fromkeys(filter(None, texts)))


def _unfolded(text: str) -> str:
    r"""The line ends that the published tables write as \n."""
    return text.replace("\\n", "\n").strip()
