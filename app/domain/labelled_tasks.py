"""The tasks of a labelled row: what each template made of it, or what its columns say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.domain.flan.cases import BadCase, Case, read_case
from app.domain.materials import LabelledSource, Pairing
from app.domain.templates import Rendered, Skipped

NO_TASK = "no_task"


@dataclass(frozen=True, slots=True)
class LabelledTask:
    """A task, or None and why there is none; `facts` say where it came from."""

    case: Case | None
    facts: Mapping[str, str]
    skipped: str = ""


def tasks_of(row: LabelledSource) -> Iterator[LabelledTask]:
    """Every task of a row, in the order of the templates."""
    origin = {"dataset": row.dataset, "row": str(row.row)}
    if row.columns is not None:
        yield _told(row.columns, row.row, origin)
    for pairing in row.pairings:
        names = {"template": pairing.template.name, "template_id": pairing.template.id}
        facts, outcome = {**origin, **names}, pairing.outcome
        if isinstance(outcome, Skipped):
            detail = {"detail": _storable(outcome.detail)} if outcome.detail else {}
            yield LabelledTask(None, {**facts, **detail}, str(outcome.reason))
        else:
            yield LabelledTask(_rendered(row.row, pairing, outcome), facts)


def _told(columns: Mapping[str, object], row: int, origin: Mapping[str, str]) -> LabelledTask:
    try:
        case = read_case(columns, row)
    except BadCase as bad:
        return LabelledTask(None, {**origin, "detail": _storable(bad.problem.detail)}, NO_TASK)
    template = _storable(case.template)
    return LabelledTask(case, {**origin, "template": template} if template else origin)


def _rendered(row: int, pairing: Pairing, rendered: Rendered) -> Case:
    return Case(
        row=row,
        template=pairing.template.id,
        input=rendered.input,
        answer=rendered.target,
        options=tuple(dict.fromkeys(filter(None, rendered.options))),
        shown=pairing.template.metadata.choices_in_prompt is True,
    )


def _storable(text: str) -> str:
    """Without NUL, which no text of the database can hold."""
    return text.replace("\0", "")
