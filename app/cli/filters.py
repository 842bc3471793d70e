"""`cultivar filters`: what there is, and what it would do to a job's rows or to a file."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID

from rich.console import Console
from typer import Argument, Option, Typer

from app.cli.connection import connected
from app.cli.filter_choice import (
    Contaminated,
    EvaluationSets,
    FilterPairs,
    NGram,
    Off,
    On,
    RougeL,
    read_decontamination,
    read_filters,
)
from app.cli.reading_progress import reading_progress
from app.cli.terminal import AsJson, cell, console, shortened, show_json, show_table
from app.domain.filter import Action
from app.use_cases import filter_files, filter_preview, filters
from app.use_cases.filter_files import FileCheck, FileOrder
from app.use_cases.filter_preview import FilterPreview, PreviewRequest
from app.use_cases.filters import KnownFilter

commands = Typer()


@commands.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every filter: what it drops, its settings, and where it is on by default."""
    found = filters.all_filters()
    if as_json:
        show_json(found)
        return
    show_table(
        ("name", "looks at", "what it does", "on by default", "settings"),
        [(each.name, each.kind, each.summary, _on(each), _settings(each)) for each in found],
    )


def _on(known: KnownFilter) -> str:
    """The default profiles in which it is on, and what it does there."""
    return ", ".join(sorted(set(map(str, known.on_by_default.values()))))


def _settings(known: KnownFilter) -> str:
    return ", ".join(f"{each.name}={cell(each.default)}" for each in known.settings)


@commands.command("try")
def try_(
    job: Annotated[UUID, Argument(metavar="JOB", help="the job's id")],
    on: On = None,
    off: Off = None,
    filter_: FilterPairs = None,
    evaluation_set: EvaluationSets = None,
    ngram: NGram = 13,
    rouge_l: RougeL = 0.7,
    contaminated: Contaminated = Action.DROP,
    rows: Annotated[int | None, Option(min=1, help="look at so many rows at most")] = None,
    examples: Annotated[int, Option(min=0, max=50, help="of each change by each reason")] = 3,
    as_json: AsJson = False,
) -> None:
    """What other filters or evaluation sets would make of a job's rows; nothing is changed.

    What is not named stays as the job has it.
    """
    chosen = read_filters(filter_, on, off)
    with connected() as runtime:
        found = filter_preview.preview(
            runtime,
            job,
            PreviewRequest(
                filters=chosen,
                decontamination=read_decontamination(
                    runtime, evaluation_set, ngram, rouge_l, contaminated
                ),
                most_rows=rows,
                examples=examples,
            ),
        )
    show_json(found) if as_json else _show(found)


def _show(found: FilterPreview) -> None:
    terminal = console()
    looked = f"{found.rows:,} rows looked at" + ("" if found.complete else ", and there are more")
    terminal.print(f"{looked}: {found.accepted:,} accepted, then {found.accepted_then:,}")
    show_table(("change", "reason", "#n"), list(_changes(found)))
    for each in found.overlaps:
        counted = ", ".join(f"{n:,} {rule}" for rule, n in each.by_rule.items())
        terminal.print(f"evaluation set {each.evaluation_set_id}: {counted}")
    for each in found.examples:
        texts = [shortened(text) for text in (each.instruction, each.input, each.output) if text]
        terminal.print(f"{each.change} ({each.reason}): {' | '.join(texts)}")


def _changes(found: FilterPreview) -> Iterator[Sequence[object]]:
    changes: Mapping[str, Mapping[str, int]] = {
        "dropped": found.dropped,
        "flagged": found.flagged,
        "returned": found.returned,
        "instruction returned": found.instructions_returned,
    }
    for change, counted in changes.items():
        for reason, n in counted.items():
            yield change, reason, n


@commands.command("check")
def check(
    file: Annotated[Path, Argument(help="JSONL, JSON list, CSV or Parquet; - reads a pipe")],
    on: On = None,
    off: Off = None,
    filter_: FilterPairs = None,
    out: Annotated[Path | None, Option(help="where the rows that stand go, unchanged")] = None,
    decisions: Annotated[
        Path | None, Option(help="a JSON line for every row: kept or not, reasons, flags")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the filters on a file; needs no service. Those of the default profile are on.

    Rows are instruction, input and output; instruction and instances; prompt and completion; or
    dialogues as messages or conversations.
    """
    show_check(file, FileOrder(filters=read_filters(filter_, on, off)), out, decisions, as_json)


def show_check(
    file: Path, order: FileOrder, out: Path | None, decisions: Path | None, as_json: bool
) -> None:
    """Judge a file and tell what came of it, on standard error where rows go to the other."""
    bar = Console(stderr=True, highlight=False, soft_wrap=True)
    source = None if str(file) == "-" else file
    with reading_progress(bar) as report:
        found = filter_files.check_file(source, order, out=out, decisions=decisions, report=report)
    if str(out) == "-":
        bar.print(_sentence(found), markup=False)
    elif as_json:
        show_json(found)
    else:
        console().print(_sentence(found))
        show_table(("what", "reason", "#rows"), list(_counted(found)))


def _sentence(found: FileCheck) -> str:
    return f"{found.read:,} rows read: {found.kept:,} kept, {found.unfit:,} dropped"


def _counted(found: FileCheck) -> Iterator[Sequence[object]]:
    for reason, n in found.dropped.items():
        yield "dropped", reason, n
    for flag, n in found.flagged.items():
        yield "flagged", flag, n
    for name, by_rule in found.overlaps.items():
        for rule, n in by_rule.items():
            yield name, rule, n
