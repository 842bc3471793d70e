"""`cultivar labelled-sets`: add files of labelled rows, look at them, remove them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from typer import Argument, Option, Typer

from app.cli.columns import Features, LabelNames, Types, read_described
from app.cli.connection import connected
from app.cli.names import labelled_set_id
from app.cli.terminal import (
    AsJson,
    Cursor,
    Limit,
    console,
    show_facts,
    show_json,
    show_page,
    show_table,
)
from app.errors import InvalidInput
from app.use_cases import labelled_sets
from app.use_cases.labelled_sets import ENDINGS, LabelledSetDetails

commands = Typer()
Identified = Annotated[str, Argument(metavar="LABELLED_SET", help="its id, or its name")]
_CHUNK_BYTES = 256 * 1024


@commands.command("add")
def add(
    file: Annotated[
        Path, Argument(exists=True, dir_okay=False, help="JSONL, JSON list, CSV or Parquet")
    ],
    name: Annotated[str | None, Option(help="else the file's name")] = None,
    language: Annotated[str, Option(help="language tag, such as en or zh-Hans")] = "en",
    licence: Annotated[str, Option(help="licence of the rows")] = "unknown",
    source: Annotated[str, Option(help="where the rows come from")] = "uploaded",
    label_names: LabelNames = None,
    type_: Types = None,
    features: Features = None,
    as_json: AsJson = False,
) -> None:
    """Store a file of labelled rows, whole or not at all; the same file twice is one set."""
    columns = read_described(type_, label_names, features)
    details = LabelledSetDetails(
        name or file.stem, language, licence, source, columns, _ending(file)
    )
    with connected() as runtime:
        added = labelled_sets.add(runtime, details, _chunks(file))
    if as_json:
        show_json({"created": added.created, "labelled_set": added.labelled_set})
        return
    what = "stored" if added.created else "stored already"
    console().print(f"{what}: {added.labelled_set.id}  {added.labelled_set.row_count:,} rows")


def _ending(file: Path) -> str:
    """What the name says of the contents; a compressed table keeps both endings."""
    plain = file.name.lower().removesuffix(".gz")
    ending = next((each for each in ENDINGS if plain.endswith(each)), None)
    if ending is None:
        raise InvalidInput(f"{file} must end in one of {', '.join(ENDINGS)}, or that and .gz.")
    return f"{ending}.gz" if file.name.lower().endswith(".gz") else ending


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            yield chunk


@commands.command("list")
def list_(limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False) -> None:
    """Labelled sets, newest first."""
    with connected() as runtime:
        page = labelled_sets.page(runtime, cursor=cursor, limit=limit)
    cells = [
        (each.id, each.name, each.language, each.licence, each.row_count) for each in page.items
    ]
    show_page(page, as_json, ("id", "name", "language", "licence", "#rows"), cells)


@commands.command("show")
def show(labelled_set: Identified, as_json: AsJson = False) -> None:
    """One labelled set, and what its columns hold."""
    with connected() as runtime:
        found = labelled_sets.get(runtime, labelled_set_id(runtime, labelled_set))
    if as_json:
        show_json(found)
        return
    names = ("id", "name", "language", "licence", "source", "sha256", "row_count", "created_at")
    show_facts({name.replace("_", " "): getattr(found, name) for name in names})
    show_table(("column", "holds"), list(found.columns.items()))


@commands.command("rows")
def rows(
    labelled_set: Identified, limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False
) -> None:
    """The rows of a set, typed, in file order."""
    with connected() as runtime:
        found = labelled_set_id(runtime, labelled_set)
        page = labelled_sets.page_rows(runtime, found, cursor=cursor, limit=limit)
    show_page(page, as_json, ("#row", "fields"), page.items)


@commands.command("delete")
def delete(labelled_set: Identified) -> None:
    """Remove a labelled set that no job uses."""
    with connected() as runtime:
        labelled_sets.delete(runtime, labelled_set_id(runtime, labelled_set))
    console().print("deleted")
