"""`cultivar templates`: labelled rows into tasks by templates, in files or in the service."""

from pathlib import Path
from typing import Annotated

from rich.console import Console
from typer import Argument, Exit, Option, Typer

from app.cli import template_sets
from app.cli.columns import Features, LabelNames, Types, read_described
from app.cli.errors import BAD_INPUT, line_problem
from app.cli.mix import mix
from app.cli.pairs import show_pair
from app.cli.reading_progress import reading_progress
from app.cli.terminal import AsJson, console, error_console, show_json
from app.files.excerpt import visible
from app.use_cases.rendering import RenderSettings, RenderSummary, preview, render_file
from app.use_cases.template_checks import CheckedFile, check_files

commands = Typer()
commands.command("add")(template_sets.add)
commands.command("list")(template_sets.list_)
commands.command("show")(template_sets.show)
commands.command("preview")(template_sets.preview)
commands.command("download")(template_sets.download)
commands.command("delete")(template_sets.delete)
commands.command("mix")(mix)

Names = Annotated[list[str] | None, Option(help="only this one, by name or id; may be repeated")]
PerRow = Annotated[int | None, Option(min=1, help="templates drawn for each row; else all of them")]
LimitRows = Annotated[int | None, Option(min=0, help="only so many rows, the first")]
LimitPerTemplate = Annotated[
    int | None, Option(min=0, help="only so many tasks of each template, the first")
]
Truncate = Annotated[int | None, Option(min=1, help="cut each inserted text to so many characters")]
Provenance = Annotated[
    bool, Option("--provenance", help="also write choices, dataset, template id and more")
]
Triples = Annotated[
    bool, Option("--triples", help="write instruction, input, output instead of both sides")
]
Split = Annotated[
    str | None,
    Option(help="what parts the instruction from its input (triples); \\n is a line end"),
]
Preview = Annotated[
    int | None, Option("--preview", min=1, help="show what so many rows give, write nothing")
]


@commands.command("check")
def check(
    files: Annotated[
        list[Path], Argument(metavar="FILE", help="YAML files, or directories of them")
    ],
    as_json: AsJson = False,
) -> None:
    """Say whether files of templates can be used, and every fault with its line.

    Odd but usable things are named too. With --json also the columns and choices of each template.
    """
    found = check_files(files)
    if as_json:
        show_json(found)
    else:
        for each in found:
            _show_checked(each)
    if any(each.problems for each in found):
        raise Exit(BAD_INPUT)


@commands.command("render")
def render(
    templates: Annotated[Path, Option(help="a file of templates, as promptsource has them")],
    rows: Annotated[
        Path, Option(help="labelled rows: JSONL, JSON list, CSV or Parquet; - reads a pipe")
    ],
    template: Names = None,
    per_row: PerRow = None,
    limit_rows: LimitRows = None,
    limit_per_template: LimitPerTemplate = None,
    label_names: LabelNames = None,
    type_: Types = None,
    features: Features = None,
    truncate: Truncate = None,
    random_seed: Annotated[int, Option(help="seed of every draw")] = 0,
    provenance: Provenance = False,
    triples: Triples = False,
    split: Split = None,
    preview_: Preview = None,
    out: Annotated[Path | None, Option(help="where the lines go; else standard output")] = None,
) -> None:
    """Write a line `{"row", "template", "input", "target"}` for each pair of row and template.

    Rows count from 0. A pair that gives no input or no target is left out and counted on standard
    error. Templates run in a process without files, network or much time.
    """
    settings = RenderSettings(
        names=tuple(template or ()),
        per_row=per_row,
        limit_rows=limit_rows,
        limit_per_template=limit_per_template,
        seed=random_seed,
        truncate=truncate,
        provenance=provenance,
        triples=triples,
        split=None if split is None else split.replace("\\n", "\n"),
        columns=read_described(type_, label_names, features),
    )
    source = None if str(rows) == "-" else rows
    if preview_ is not None:
        for chosen, pair in preview(templates, source, preview_, settings):
            show_pair(chosen, pair)
        return
    target = None if out is None or str(out) == "-" else out
    errors = error_console()
    with reading_progress(errors) as report:
        summary = render_file(templates, source, target, settings, report)
    _show_summary(errors, summary)


def _show_checked(file: CheckedFile) -> None:
    title = f"{file.path}: {file.dataset}, " if file.dataset else f"{file.path}: "
    verdict = "cannot be used" if file.problems else f"{len(file.templates)} templates"
    console().print(title + verdict)
    for problem in file.problems:
        error_console().print(line_problem(problem))
    for notice in file.notices:
        console().print(line_problem(notice))


def _show_summary(screen: Console, summary: RenderSummary) -> None:
    screen.print(
        f"{summary.rows:,} rows, {summary.templates:,} templates: "
        f"{summary.rendered:,} rendered, {summary.skipped:,} skipped"
    )
    for each in summary.skips:
        detail = f", row {each.first_row}: {visible(each.detail)}" if each.detail else ""
        screen.print(f"  {visible(each.template)}: {each.reason} {each.rows:,}{detail}")
    for name, columns in summary.missing.items():
        names = ", ".join(columns)
        screen.print(f"note: template {visible(name)} names what no row has: {names}")
    for column in summary.numbers_as_text:
        name = visible(column)
        screen.print(f"note: {name} holds numbers as text; --type {name}=int makes them numbers")
