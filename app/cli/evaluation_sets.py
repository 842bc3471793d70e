"""`cultivar evaluation-sets`: what nobody shall train on; jobs and files are held against it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from typer import Argument, Option, Typer

from app.cli.connection import connected
from app.cli.names import evaluation_set_id
from app.cli.terminal import (
    AsJson,
    Cursor,
    Limit,
    console,
    shortened,
    show_facts,
    show_json,
    show_page,
)
from app.domain.stored import EvaluationSet
from app.use_cases import evaluation_sets
from app.use_cases.evaluation_sets import EvaluationSetDetails

commands = Typer()
Named = Annotated[str, Argument(metavar="EVALUATION_SET", help="its id, or its name")]
_CHUNK_BYTES = 256 * 1024


@commands.command("add")
def add(
    file: Annotated[Path, Argument(exists=True, dir_okay=False, help="JSONL, one item a line")],
    name: Annotated[str | None, Option(help="else the file's name")] = None,
    licence: Annotated[str, Option(help="licence of the items")] = "unknown",
    source: Annotated[str, Option(help="where the items come from")] = "uploaded",
    as_json: AsJson = False,
) -> None:
    """Store a file of evaluation items, whole or not at all; the same file twice is one set."""
    details = EvaluationSetDetails(name or file.stem, licence, source)
    with connected() as runtime:
        added = evaluation_sets.add(runtime, details, _chunks(file))
    if as_json:
        show_json(added)
        return
    what = "stored" if added.created else "stored already"
    found = added.evaluation_set
    console().print(f"{what}: {found.id}  {found.row_count:,} items")


@commands.command("list")
def list_(limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False) -> None:
    """Evaluation sets, newest first."""
    with connected() as runtime:
        page = evaluation_sets.page(runtime, cursor=cursor, limit=limit)
    cells = [(each.id, each.name, each.licence, each.row_count) for each in page.items]
    show_page(page, as_json, ("id", "name", "licence", "#items"), cells)


@commands.command("show")
def show(evaluation_set: Named, as_json: AsJson = False) -> None:
    """One evaluation set."""
    with connected() as runtime:
        found = evaluation_sets.get(runtime, evaluation_set_id(runtime, evaluation_set))
    show_json(found) if as_json else show_facts(_facts(found))


@commands.command("items")
def items(
    evaluation_set: Named, limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False
) -> None:
    """The items of a set, in file order."""
    with connected() as runtime:
        found = evaluation_set_id(runtime, evaluation_set)
        page = evaluation_sets.page_items(runtime, found, cursor=cursor, limit=limit)
    cells = [
        (each.position, shortened(each.instruction), len(each.instances)) for each in page.items
    ]
    show_page(page, as_json, ("#position", "instruction", "#examples"), cells)


@commands.command("delete")
def delete(evaluation_set: Named) -> None:
    """Remove a set that no job is held against."""
    with connected() as runtime:
        evaluation_sets.delete(runtime, evaluation_set_id(runtime, evaluation_set))
    console().print("deleted")


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            yield chunk


def _facts(found: EvaluationSet) -> Mapping[str, object]:
    return {name.replace("_", " "): getattr(found, name) for name in EvaluationSet.__slots__}
