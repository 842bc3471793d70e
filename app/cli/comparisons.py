"""`cultivar comparisons`: a teacher of the service judges what training runs left."""

import time
from typing import Annotated
from uuid import UUID

from typer import Argument, Exit, Option, Typer

from app.cli.connection import connected
from app.cli.errors import FAILED
from app.cli.money import Money
from app.cli.names import teacher_id
from app.cli.terminal import AsJson, Cursor, Limit, facts_of, show_facts, show_json, show_page
from app.domain.comparison import ComparisonRecord
from app.domain.language import Language
from app.domain.lifecycle import OPEN_TRAINING_STATES, TrainingState
from app.use_cases import comparisons

commands = Typer()
Identified = Annotated[UUID, Argument(metavar="COMPARISON", help="its id")]
_POLL_S = 1.0


@commands.command("submit")
def submit(
    run: Annotated[UUID, Argument(metavar="RUN", help="training run whose model is judged")],
    teacher: Annotated[str, Option(help="who judges, by id or name")],
    against: Annotated[UUID | None, Option(help="another training run; else its own base")] = None,
    language: Annotated[Language, Option(help="of the question to the judge")] = Language.ENGLISH,
    budget_usd: Money = None,
    max_calls: Annotated[int | None, Option(min=1, help="judgements at most")] = None,
    wait: Annotated[bool, Option("--wait", help="stay until it has ended")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask for a comparison in both orders; a worker that calls teachers makes it."""
    with connected() as runtime:
        wish = comparisons.ComparisonWish(
            run_id=run,
            against_run_id=against,
            teacher_id=teacher_id(runtime, teacher),
            language=language,
            cap_calls=max_calls,
            cap_micro_usd=budget_usd,
        )
        record = comparisons.request(runtime, wish)
        while wait and record.state in OPEN_TRAINING_STATES:
            time.sleep(_POLL_S)
            record = comparisons.get(runtime, record.id)
    _show(record, as_json)
    if record.state is TrainingState.FAILED:
        raise Exit(FAILED)


@commands.command("list")
def list_(
    run: Annotated[UUID | None, Option(help="of this training run only")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """Comparisons, newest first."""
    with connected() as runtime:
        page = comparisons.page(runtime, run, cursor=cursor, limit=limit)
    cells = [
        (each.id, each.judge, each.state, f"{each.done}/{each.total}", _win_rate(each))
        for each in page.items
    ]
    show_page(page, as_json, ("id", "judge", "state", "judged", "win rate"), cells)


@commands.command("show")
def show(comparison: Identified, as_json: AsJson = False) -> None:
    """One comparison."""
    with connected() as runtime:
        _show(comparisons.get(runtime, comparison), as_json)


@commands.command("stop")
def stop(comparison: Identified, as_json: AsJson = False) -> None:
    """Send nothing more; what is paid for is kept, and `resume` goes on."""
    with connected() as runtime:
        _show(comparisons.stop(runtime, comparison), as_json)


@commands.command("resume")
def resume(comparison: Identified, as_json: AsJson = False) -> None:
    """Go on with one that was stopped or failed; what is known is not asked again."""
    with connected() as runtime:
        _show(comparisons.resume(runtime, comparison), as_json)


@commands.command("delete")
def delete(comparison: Identified) -> None:
    """Remove one that has ended, with its judgements."""
    with connected() as runtime:
        comparisons.delete(runtime, comparison)


def _win_rate(record: ComparisonRecord) -> str | None:
    found = (record.result or {}).get("comparison")
    if not found:
        return None
    return f"{found['win_rate']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def _show(record: ComparisonRecord, as_json: bool) -> None:
    if as_json:
        show_json(record)
        return
    facts = facts_of(record)
    result = facts.pop("result") or {}
    shown = {**facts, **(result.get("comparison") or {})}
    show_facts({name: value for name, value in shown.items() if value is not None})
