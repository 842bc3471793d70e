"""Examples of a mixture: a case in one of four styles, or turned round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from app.domain.flan.cases import Case
from app.domain.flan.choices import OptionStyle, draw_style
from app.domain.flan.inversion import inverted
from app.domain.flan.shots import CountTokens, Shot, estimated_tokens, fitting_prompt


class Style(StrEnum):
    """How a case is asked."""

    ZERO_SHOT_OPTIONS = "zero_shot_options"
    ZERO_SHOT = "zero_shot"
    FEW_SHOT_OPTIONS = "few_shot_options"
    FEW_SHOT = "few_shot"
    INVERTED = "inverted"


FOUR_STYLES = tuple(style for style in Style if style is not Style.INVERTED)
WITH_OPTIONS = frozenset({Style.ZERO_SHOT_OPTIONS, Style.FEW_SHOT_OPTIONS})
WITH_SHOTS = frozenset({Style.FEW_SHOT_OPTIONS, Style.FEW_SHOT})


class DropReason(StrEnum):
    """Why a case gave no example."""

    INPUT_TOO_LONG = "input_too_long"
    TARGET_TOO_LONG = "target_too_long"
    NO_EXEMPLAR = "no_exemplar"
    NO_STYLE = "no_style"


@dataclass(frozen=True, slots=True)
class StyleSettings:
    """Shares of the styles, and sizes; the defaults are Flan's.

    `shots` is the most worked examples of a prompt. Lengths are in tokens, as `count` tells them.
    """

    shares: Mapping[Style, float] = field(default_factory=lambda: dict.fromkeys(FOUR_STYLES, 1.0))
    shots: int = 5
    input_tokens: int = 2048
    few_shot_tokens: int = 1920
    target_tokens: int = 512
    count: CountTokens = estimated_tokens


@dataclass(frozen=True, slots=True)
class Example:
    """One line of a mixture; `exemplars` are the rows whose worked examples the input shows."""

    row: int
    template: str
    style: Style
    input: str
    target: str
    exemplars: tuple[int, ...] = ()


def styled(
    case: Case, pool: Sequence[Case], settings: StyleSettings, chance: Random
) -> Example | DropReason:
    """The case in a style drawn by its share; `pool` are cases of the same task and template."""
    style = _drawn(_possible(case, settings.shares), chance)
    if style is None:
        return DropReason.NO_STYLE
    shown = _option_style(case, pool, style, chance)
    question = _shot(case, shown)
    if settings.count(question.target) > settings.target_tokens:
        return DropReason.TARGET_TOO_LONG
    shots: Sequence[Shot] = ()
    if style in WITH_SHOTS:
        shots = _exemplars(case, pool, shown, settings.shots, chance)
    prompt = _prompt(question, shots, style, settings, chance)
    if isinstance(prompt, DropReason):
        return prompt
    text, used = prompt
    rows = tuple(each.row for each in used)
    return Example(case.row, case.template, style, text, question.target, rows)


def turned_round(case: Case, settings: StyleSettings, chance: Random) -> Example | DropReason:
    """The case with one of its parts as the target."""
    given, target = inverted(case, chance)
    if settings.count(target) > settings.target_tokens:
        return DropReason.TARGET_TOO_LONG
    if settings.count(given) > settings.input_tokens:
        return DropReason.INPUT_TOO_LONG
    return Example(case.row, case.template, Style.INVERTED, given, target)


def _possible(case: Case, shares: Mapping[Style, float]) -> dict[Style, float]:
    """Options are shown only where the answer is among them, and hidden only where they can be."""
    return {
        style: share
        for style, share in shares.items()
        if share > 0 and (case.choosable if style in WITH_OPTIONS else not case.shown)
    } or {
        style: share for style, share in shares.items() if share > 0 and style not in WITH_OPTIONS
    }


def _drawn(shares: Mapping[Style, float], chance: Random) -> Style | None:
    if not shares:
        return None
    return chance.choices(list(shares), list(shares.values()))[0]


def _option_style(
    case: Case, pool: Sequence[Case], style: Style, chance: Random
) -> OptionStyle | None:
    """One way to print options for the whole prompt; None where they stand in the text already."""
    if style not in WITH_OPTIONS or case.shown:
        return None
    most = max(len(each.options) for each in (case, *pool))
    return draw_style(chance, most, ended=style not in WITH_SHOTS)


def _shot(case: Case, shown: OptionStyle | None) -> Shot:
    if shown is None:
        return Shot(case.row, case.input, case.target(case.answer))
    given = f"{case.input}\n{shown.block(case.options)}"
    return Shot(case.row, given, case.target(shown.answer(case.options, case.answer)))


def _exemplars(
    case: Case, pool: Sequence[Case], shown: OptionStyle | None, count: int, chance: Random
) -> list[Shot]:
    """Other rows of the same template; one with the same text would give the answer away."""
    others = [
        each
        for each in pool
        if each.template == case.template
        and each.row != case.row
        and each.input != case.input
        and (shown is None or each.choosable)
    ]
    return [_shot(each, shown) for each in chance.sample(others, min(count, len(others)))]


def _prompt(
    question: Shot, shots: Sequence[Shot], style: Style, settings: StyleSettings, chance: Random
) -> tuple[str, Sequence[Shot]] | DropReason:
    """The prompt and the worked examples that it shows, within the budget of the style."""
    few = style in WITH_SHOTS
    budget = settings.few_shot_tokens if few else settings.input_tokens
    if settings.count(question.input) > budget:
        return DropReason.INPUT_TOO_LONG
    prompt, used = fitting_prompt(
        question.input, shots, budget=budget, count=settings.count, chance=chance
    )
    return DropReason.NO_EXEMPLAR if few and not used else (prompt, used)
