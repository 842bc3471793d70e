"""The part of `cultivar templates` that speaks to the service: sets of templates kept there."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from app.cli.connection import connected
from app.cli.names import labelled_set_id, template_set_id
from app.cli.pairs import show_pair
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
from app.files.whole_file import written_whole
from app.use_cases import template_sets
from app.use_cases.template_sets import MOST_PREVIEWED, PreviewWish, TemplateSetDetails

Identified = Annotated[str, Argument(metavar="TEMPLATE_SET", help="its id, or its name")]


def add(
    file: Annotated[Path, Argument(exists=True, dir_okay=False, help="YAML, as promptsource's")],
    name: Annotated[str, Option(help="else the data set that the file names")] = "",
    licence: Annotated[str, Option(help="licence of the templates")] = "unknown",
    source: Annotated[str, Option(help="where the templates come from")] = "uploaded",
    as_json: AsJson = False,
) -> None:
    """Check and store a file of templates, whole or not at all; the same file twice is one set."""
    details = TemplateSetDetails(name, licence, source)
    with connected() as runtime:
        added = template_sets.add(runtime, details, [file.read_bytes()])
    if as_json:
        show_json({"created": added.created, "template_set": added.template_set})
        return
    what, found = "stored" if added.created else "stored already", added.template_set
    console().print(f"{what}: {found.id}  {found.name}, {len(found.templates):,} templates")
    for notice in found.notices:
        text = f"line {notice['line']}: {notice['detail']} [{notice['code']}]"
        console().print(text, markup=False)


def list_(limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False) -> None:
    """Template sets of the service, newest first."""
    with connected() as runtime:
        page = template_sets.page(runtime, cursor=cursor, limit=limit)
    cells = [
        (each.id, each.name, each.dataset, each.licence, len(each.templates)) for each in page.items
    ]
    show_page(page, as_json, ("id", "name", "dataset", "licence", "#templates"), cells)


def show(template_set: Identified, as_json: AsJson = False) -> None:
    """One template set, and what each of its templates needs of a row."""
    with connected() as runtime:
        found = template_sets.get(runtime, template_set_id(runtime, template_set))
    if as_json:
        show_json(found)
        return
    names = ("id", "name", "dataset", "licence", "source", "sha256", "created_at")
    show_facts({name.replace("_", " "): getattr(found, name) for name in names})
    cells = [(each["name"], each["columns"], each["fixed_choices"]) for each in found.templates]
    show_table(("template", "columns", "choices"), cells)


def preview(
    template_set: Identified,
    labelled_set: Annotated[str, Option(help="id or name of the labelled set to try it on")],
    rows: Annotated[int, Option(min=1, max=MOST_PREVIEWED, help="so many, the first")] = 3,
    template: Annotated[
        list[str] | None, Option(help="only this one, by name or id; may be repeated")
    ] = None,
    truncate: Annotated[
        int | None, Option(min=1, help="cut each inserted text to so many characters")
    ] = None,
    random_seed: Annotated[int, Option(min=0, help="seed of every draw")] = 42,
) -> None:
    """Show what the first labelled rows become; nothing is stored."""
    with connected() as runtime:
        rows_of = labelled_set_id(runtime, labelled_set)
        wish = PreviewWish(rows_of, rows, template or (), truncate, random_seed)
        found = template_sets.preview(runtime, template_set_id(runtime, template_set), wish)
    for chosen, pair in found:
        show_pair(chosen, pair)


def download(
    template_set: Identified,
    out: Annotated[Path | None, Option(help="a file; else standard output")] = None,
) -> None:
    """The file of a template set as it came."""
    with connected() as runtime, written_whole(out) as file:
        found = template_set_id(runtime, template_set)
        file.write(template_sets.download(runtime, found).encode())


def delete(template_set: Identified) -> None:
    """Remove a template set that no job uses."""
    with connected() as runtime:
        template_sets.delete(runtime, template_set_id(runtime, template_set))
    console().print("deleted")
