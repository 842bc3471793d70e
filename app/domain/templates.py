"""Templates that turn labelled rows into tasks, as promptsource has them, and what they give."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from app.errors import LineProblem

SEPARATOR = "|||"
"""Parts the input from the target in a rendering, and the choices from each other."""

CHOICES = "answer_choices"
"""The variable under which a template finds its choices; no row may have a column of this name."""

METRICS = frozenset(
    {
        "BLEU",
        "ROUGE",
        "Squad",
        "Trivia QA",
        "Accuracy",
        "Pearson Correlation",
        "Spearman Correlation",
        "MultiRC",
        "AUC",
        "COQA F1",
        "Edit Distance",
        "Mean Reciprocal Rank",
        "Other",
    }
)


@dataclass(frozen=True, slots=True)
class TemplateMetadata:
    """What a template's author says about it; None and () where nothing is said."""

    original_task: bool | None = None
    choices_in_prompt: bool | None = None
    metrics: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """One template: `jinja` gives input, separator, target; `answer_choices` gives the choices.

    `line` is where it begins in its file, 0 when it came from elsewhere.
    """

    id: str
    name: str
    jinja: str
    answer_choices: str | None = None
    reference: str = ""
    metadata: TemplateMetadata = field(default_factory=TemplateMetadata)
    task_template: bool | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """The templates of one dataset (or of a subset of it) in the order of their file.

    `notices` are oddities that do not keep the file from being used.
    """

    dataset: str
    subset: str | None
    templates: tuple[Template, ...]
    notices: tuple[LineProblem, ...] = ()

    @property
    def name(self) -> str:
        return self.dataset if self.subset is None else f"{self.dataset}/{self.subset}"


class SkipReason(StrEnum):
    """Why a template made nothing of a row."""

    NO_SEPARATOR = "no_separator"  # most often a condition of the template that the row fails
    MANY_SEPARATORS = "many_separators"
    EMPTY_INPUT = "empty_input"
    EMPTY_TARGET = "empty_target"
    ERROR = "error"
    FORBIDDEN = "forbidden"
    NOT_TEXT = "not_text"
    TOO_LONG = "too_long"
    MEMORY = "memory"
    CPU_TIME = "cpu_time"
    WALL_TIME = "wall_time"
    CRASHED = "crashed"
    SET_ASIDE = "set_aside"


FAILURES = frozenset(SkipReason) - {
    SkipReason.NO_SEPARATOR,
    SkipReason.MANY_SEPARATORS,
    SkipReason.EMPTY_INPUT,
    SkipReason.EMPTY_TARGET,
}
"""Reasons that lie with the template or its fit to the rows; the others are by its design."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a template made of a row; `options` are its choices, empty where it has none."""

    input: str
    target: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row of which a template made nothing, with the reason and what there is to say of it."""

    reason: SkipReason
    detail: str = ""


Outcome: TypeAlias = Rendered | Skipped


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a template needs: the columns it names, and its choices where no row is needed."""

    columns: tuple[str, ...]
    fixed_choices: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class SyntaxFault:
    """What keeps a template from being one; `line` counts from 1 within its text."""

    detail: str
    line: int


def split_choices(rendered: str) -> tuple[str, ...]:
    """The choices out of the text that their expression gives."""
    return tuple(each.strip() for each in rendered.split(SEPARATOR))


def as_triple(rendered: Rendered, split: str | None = None) -> tuple[str, str, str]:
    """Instruction, input and output of a rendering.

    All of what was rendered is the instruction, unless it holds `split`: what comes behind its
    first place is the input then.

    >>> as_triple(Rendered("Is it kind?\\n--\\nGo away.", "no"), "\\n--\\n")
    ('Is it kind?', 'Go away.', 'no')
    """
    instruction, mark, given = rendered.input.partition(split) if split else ("", "", "")
    if not mark or not instruction.strip():
        return rendered.input, "", rendered.target
    return instruction.strip(), given.strip(), rendered.target


def named(templates: Sequence[Template], names: Sequence[str]) -> tuple[list[int], list[str]]:
    """Positions of the templates that go by one of the names or ids, and the names of none."""
    chosen = [
        position
        for position, each in enumerate(templates)
        if not names or each.name in names or each.id in names
    ]
    known = {name for each in templates for name in (each.name, each.id)}
    return chosen, [name for name in names if name not in known]
