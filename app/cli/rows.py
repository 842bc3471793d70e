"""`cultivar rows`: finished rows of a job, and where each came from."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from typer import Argument, BadParameter, Option, Typer

from app.cli.connection import connected
from app.cli.terminal import (
    AsJson,
    Cursor,
    Limit,
    console,
    dollars,
    plain,
    shortened,
    show_facts,
    show_json,
    show_page,
)
from app.domain.lifecycle import RowState
from app.domain.review import Decision
from app.domain.stored import RowScore
from app.files.excerpt import visible
from app.use_cases import rows
from app.use_cases.rows import Lineage, LineageCall

commands = Typer()


class Wanted(StrEnum):
    """Which rows to list."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ALL = "all"


@commands.command("list")
def list_(
    job: Annotated[UUID, Argument(metavar="JOB", help="the job's id")],
    state: Annotated[Wanted, Option(help="which rows")] = Wanted.ACCEPTED,
    reason: Annotated[str | None, Option(help="only those dropped for this")] = None,
    text: Annotated[str | None, Option(help="only those that hold this, in any case")] = None,
    min_score: Annotated[float | None, Option(help="only those that a judge scored so")] = None,
    judge: Annotated[
        UUID | None, Option(help="the judging job; else the newest that scored the row")
    ] = None,
    language: Annotated[str | None, Option(help="only those in it, such as en; und: none")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """Rows of a job, in order; a search reads 20,000 of them a page, for a language 1,000."""
    chosen = None if state is Wanted.ALL else RowState(state.value)
    searched = bool(reason or text or language) or min_score is not None
    if chosen is None and searched:
        raise BadParameter("search accepted or rejected rows, not all", param_hint="--state")
    with connected() as runtime:
        if chosen is not None and searched:
            page = rows.search(
                runtime,
                job,
                state=chosen,
                reason=reason,
                text=text,
                min_score=min_score,
                judge_job_id=judge,
                language=language,
                cursor=cursor,
                limit=limit,
            )
        else:
            page = rows.page(runtime, job, state=chosen, cursor=cursor, limit=limit)
        said = rows.scores(runtime, [each.id for each in page.items])
    cells = [
        (
            each.id,
            shortened(each.instruction),
            shortened(each.input),
            shortened(each.output),
            ", ".join(each.reasons) or each.state,
            _overall(said.get(each.id, ()), judge),
        )
        for each in page.items
    ]
    columns = ("id", "instruction", "input", "output", "state", "#score")
    show_page(page, as_json, columns, cells)


def _overall(said: Sequence[RowScore], judge: UUID | None) -> str | None:
    found = [each for each in said if judge in (None, each.judge_job_id)]
    return f"{found[0].overall:.2f}" if found else None


@commands.command("lineage")
def lineage(
    row: Annotated[UUID, Argument(metavar="ROW", help="the row's id")], as_json: AsJson = False
) -> None:
    """The seeds, prompts and raw replies behind a row."""
    with connected() as runtime:
        found = rows.lineage(runtime, row)
    if as_json:
        show_json(found)
        return
    show_facts(_facts(found))
    for decision in found.decisions:
        _show_decision(decision)
    for name, call in (("propose", found.propose), ("answer", found.answer)):
        if call is not None:
            _show_call(name, call)


def _facts(found: Lineage) -> Mapping[str, object]:
    row = found.row
    facts: dict[str, object] = {
        name: getattr(row, name) for name in ("id", "job_id", "instruction", "input", "output")
    }
    facts |= row.facts or {}
    facts["state"] = ", ".join(row.reasons) or row.state
    facts["simulated"] = row.simulated
    facts["nearest score"] = found.nearest_score
    for number, source in enumerate(found.sources, 1):
        facts[f"source {number}"] = plain(source)
    for each in found.scores:
        scores = ", ".join(f"{name} {values}" for name, values in each.scores.items())
        facts[f"score by {each.judge}"] = (
            f"{each.overall:.2f} ({scores}) by {each.model}, {each.prompt_version}"
        )
    for number, export in enumerate(found.exports, 1):
        facts[f"export {number}"] = f"{export.id} ({export.format})"
    return facts


def _show_decision(decision: Decision) -> None:
    why = ", ".join((*decision.reasons, *([decision.note] if decision.note else [])))
    told = f"{decision.verdict} by {decision.reviewer} at {decision.created_at.isoformat()}"
    console().print(f"\n{visible(told)}{f': {visible(why)}' if why else ''}")
    if decision.before and decision.after:
        for name in ("instruction", "input", "output"):
            if decision.before[name] != decision.after[name]:
                console().print(f"  {name} before: {visible(str(decision.before[name]))}")
                console().print(f"  {name} after:  {visible(str(decision.after[name]))}")


def _show_call(name: str, call: LineageCall) -> None:
    terminal = console()
    terminal.print(f"\n{name}, call {call.slot_id}, prompt:")
    for text in (str(call.prompt.get("system") or ""), str(call.prompt.get("text", ""))):
        for line in text.splitlines():
            terminal.print(f"  {visible(line)}")
    if call.model:
        paid = f"{call.prompt_tokens or 0:,} and {call.completion_tokens or 0:,} tokens"
        terminal.print(f"model {visible(call.model)}, {paid}, {dollars(call.cost_micro_usd)}")
    bought = f", bought by job {call.reused_from_job_id}" if call.reused_from_job_id else ""
    gone = call.raw_removed_at and f", removed on {call.raw_removed_at:%Y-%m-%d}"
    terminal.print(f"reply{bought}{gone or ''}:")
    for line in call.raw_reply.splitlines():
        terminal.print(f"  {visible(line)}")
