"""`cultivar reviews`: judge a sample of a job's rows, one by one or by sheet, read the estimate."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated
from uuid import UUID

from typer import Argument, Option, Typer

from app.cli.connection import connected
from app.cli.terminal import (
    AsJson,
    Cursor,
    Limit,
    console,
    shortened,
    show_facts,
    show_json,
    show_page,
    show_table,
)
from app.domain.review import REASONS
from app.domain.valid_share import ValidShare
from app.errors import InvalidInput
from app.files.review_sheet import SheetKind
from app.files.whole_file import written_whole
from app.use_cases import review_sheets, reviews
from app.use_cases.reviews import UNNAMED, ReviewDetails, ReviewState
from app.use_cases.verdicts import Given

commands = Typer()
Identified = Annotated[UUID, Argument(metavar="REVIEW", help="its id")]
Row = Annotated[UUID, Argument(metavar="ROW", help="the row's id")]
_CHUNK_BYTES = 256 * 1024


@commands.command("start")
def start(
    job: Annotated[UUID, Argument(metavar="JOB", help="the job's id")],
    rows: Annotated[int, Option(help="how many rows to draw")] = 200,
    random_seed: Annotated[int, Option(help="the same seed gives the same sample")] = 0,
    name: Annotated[str, Option(help="else it is named after the job")] = "",
    reviewer: Annotated[str, Option(help="who judges")] = UNNAMED,
    as_json: AsJson = False,
) -> None:
    """Draw a sample of a job's rows, evenly and without return."""
    with connected() as runtime:
        state = reviews.start(runtime, ReviewDetails(job, rows, random_seed, name, reviewer))
    _show(state, as_json)


@commands.command("list")
def list_(
    job: Annotated[UUID | None, Option(help="of this job only")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """Reviews with their estimates, newest first."""
    with connected() as runtime:
        page = reviews.page(runtime, job_id=job, cursor=cursor, limit=limit)
    cells = [
        (
            each.review.id,
            each.review.name,
            each.review.sample_rows,
            each.findings.judged,
            told_share(each.findings.valid),
        )
        for each in page.items
    ]
    show_page(page, as_json, ("id", "name", "#rows", "#judged", "valid"), cells)


@commands.command("show")
def show(review: Identified, as_json: AsJson = False) -> None:
    """One review: how far it is, and what share of the rows is valid."""
    with connected() as runtime:
        state = reviews.get(runtime, review)
    _show(state, as_json)


@commands.command("rows")
def rows(
    review: Identified, limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False
) -> None:
    """The sample in its order, with the newest verdict on each row."""
    with connected() as runtime:
        page = reviews.page_rows(runtime, review, cursor=cursor, limit=limit)
    cells = [
        (
            each.row.id,
            each.decision.verdict if each.decision else "-",
            shortened(each.row.instruction),
            shortened(each.row.input),
            shortened(each.row.output),
        )
        for each in page.items
    ]
    show_page(page, as_json, ("id", "verdict", "instruction", "input", "output"), cells)


@commands.command("decide")
def decide(
    review: Identified,
    row: Row,
    verdict: Annotated[str, Argument(metavar="VERDICT", help="keep, edit or drop")],
    reason: Annotated[
        list[str] | None, Option(help="why, see `reviews reasons`; may be repeated")
    ] = None,
    note: Annotated[str, Option(help="more in your own words")] = "",
    reviewer: Annotated[str | None, Option(help="else the one of the review")] = None,
    instruction: Annotated[str | None, Option(help="the edited instruction")] = None,
    input_: Annotated[str | None, Option("--input", help="the edited input")] = None,
    output: Annotated[str | None, Option(help="the edited output")] = None,
    turn: Annotated[
        list[str] | None, Option(help="of an edited dialogue: every turn, in order")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Keep, edit or drop a row of the sample; what is not given stays."""
    given = Given(
        verdict, tuple(reason or ()), note, reviewer, instruction, input_, output, turn or None
    )
    with connected() as runtime:
        judged = reviews.decide(runtime, review, row, given)
    if as_json:
        show_json({"changed": judged.changed, "row": judged.row, "review": judged.state})
        return
    done = judged.row.row.verdict if judged.changed else "said before"
    console().print(f"{done}; {told_share(judged.state.findings.valid)}")


@commands.command("sheet")
def sheet(
    review: Identified,
    kind: Annotated[SheetKind | None, Option(help="else by the name of --out, else csv")] = None,
    out: Annotated[Path | None, Option(help="a file; else standard output")] = None,
) -> None:
    """Write the sample as a file to fill in: verdict, reasons, note, and texts to edit."""
    chosen = kind or (SheetKind.CSV if out is None else _kind_of(out))
    with (
        connected() as runtime,
        written_whole(out, compress=False) as target,
    ):
        for part in review_sheets.sheet(runtime, review, chosen):
            target.write(part)


@commands.command("apply")
def apply(
    review: Identified,
    file: Annotated[Path, Argument(exists=True, dir_okay=False, help="the sheet, filled in")],
    as_json: AsJson = False,
) -> None:
    """Take the verdicts of a sheet, all or none; the same sheet twice changes nothing."""
    with connected() as runtime:
        applied = review_sheets.apply(runtime, review, _chunks(file), _kind_of(file))
    if as_json:
        show_json(applied)
        return
    console().print(
        f"{applied.lines:,} lines: {applied.decided:,} decided, {applied.unchanged:,} as before, "
        f"{applied.blank:,} without a verdict; {told_share(applied.state.findings.valid)}"
    )


@commands.command("history")
def history(row: Row, as_json: AsJson = False) -> None:
    """What people decided about a row, the first decision first."""
    with connected() as runtime:
        found = reviews.history(runtime, row)
    if as_json:
        show_json(found)
        return
    cells = [
        (each.created_at, each.reviewer, each.verdict, ", ".join(each.reasons), each.note)
        for each in found
    ]
    show_table(("when", "who", "verdict", "reasons", "note"), cells)


@commands.command("reasons")
def reasons(as_json: AsJson = False) -> None:
    """The reasons for which a row is edited or dropped."""
    if as_json:
        show_json(REASONS)
        return
    show_table(("name", "of", "meaning"), [(each.name, each.field, each.words) for each in REASONS])


@commands.command("delete")
def delete(review: Identified) -> None:
    """Remove a review; what it decided stays with the rows."""
    with connected() as runtime:
        reviews.delete(runtime, review)
    console().print("deleted")


def _kind_of(file: Path) -> SheetKind:
    suffix = file.suffix.lower().removeprefix(".")
    if suffix not in set(SheetKind):
        raise InvalidInput(f"{file} must end in .csv or .jsonl.")
    return SheetKind(suffix)


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            yield chunk


def _show(state: ReviewState, as_json: bool) -> None:
    if as_json:
        show_json(state)
        return
    show_facts(_facts(state))


def _facts(state: ReviewState) -> Mapping[str, object]:
    names = ("id", "job_id", "name", "reviewer", "random_seed", "sample_rows", "population")
    found = state.findings
    return {
        **{name.replace("_", " "): getattr(state.review, name) for name in names},
        "judged": found.judged,
        **found.verdicts,
        "valid rows": told_share(found.valid),
        **{f"sound {name}": told_share(share) for name, share in found.fields.items()},
        "reasons": dict(found.reasons) or "none",
    }


def told_share(share: ValidShare) -> str:
    """A share with its interval, in words."""
    if share.share is None:
        return "nothing judged yet"
    return (
        f"{share.share:.1%} ({share.low:.1%} to {share.high:.1%}, {share.judged:,} of "
        f"{share.population:,} judged)"
    )
