"""`cultivar seed-sets`: add files of seed tasks, look at them, remove them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import orjson
from typer import Argument, Option, Typer

from app.cli.connection import connected
from app.cli.errors import line_problems
from app.cli.names import seed_set_id
from app.cli.terminal import (
    AsJson,
    Cursor,
    Limit,
    console,
    error_console,
    plain,
    shortened,
    show_facts,
    show_json,
    show_page,
)
from app.domain.stored import SeedSet, StoredSeed
from app.domain.tokens import Tokens
from app.files.whole_file import written_whole
from app.use_cases import seed_sets
from app.use_cases.seed_sets import SeedSetChanges, SeedSetDetails

commands = Typer()
Named = Annotated[str, Argument(metavar="SEED_SET", help="its id, or its name")]
_CHUNK_BYTES = 256 * 1024


@commands.command("add")
def add(
    file: Annotated[Path, Argument(exists=True, dir_okay=False, help="JSONL, one task a line")],
    name: Annotated[str | None, Option(help="else the file's name")] = None,
    language: Annotated[str, Option(help="language tag, such as en or zh-Hans")] = "en",
    licence: Annotated[str, Option(help="licence of the tasks")] = "unknown",
    source: Annotated[str, Option(help="where the tasks come from")] = "uploaded",
    tokens: Annotated[
        Tokens | None, Option(help="how texts are compared; else chosen by language")
    ] = None,
    skip_bad_lines: Annotated[
        bool, Option("--skip-bad-lines", help="store the good lines, report the others")
    ] = False,
    dedupe: Annotated[bool, Option("--dedupe", help="leave out repeated rows silently")] = False,
    as_json: AsJson = False,
) -> None:
    """Store a file of seed tasks, whole or not at all; the same file twice is one set."""
    details = SeedSetDetails(name or file.stem, language, licence, source, tokens)
    on_error = "skip" if skip_bad_lines else "reject"
    with connected() as runtime:
        added = seed_sets.add(runtime, details, chunks_of(file), on_error=on_error, dedupe=dedupe)
    for line in line_problems(added.report):
        error_console().print(line)
    if as_json:
        show_json({"created": added.created, "seed_set": added.seed_set, "report": added.report})
        return
    what = "stored" if added.created else "stored already"
    console().print(f"{what}: {added.seed_set.id}  {added.seed_set.row_count:,} seeds")


@commands.command("change")
def change(
    seed_set: Named,
    name: Annotated[str | None, Option(help="another name")] = None,
    language: Annotated[str | None, Option(help="language tag, such as en or zh-Hans")] = None,
    licence: Annotated[str | None, Option(help="licence of the tasks")] = None,
    source: Annotated[str | None, Option(help="where the tasks come from")] = None,
    as_json: AsJson = False,
) -> None:
    """Change what is said about a seed set; its tasks stay as they are."""
    changes = SeedSetChanges(name, language, licence, source)
    with connected() as runtime:
        changed = seed_sets.change(runtime, seed_set_id(runtime, seed_set), changes)
    show_json(changed) if as_json else console().print(f"changed: {changed.id}  {changed.name}")


@commands.command("list")
def list_(limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False) -> None:
    """Seed sets, newest first."""
    with connected() as runtime:
        page = seed_sets.page(runtime, cursor=cursor, limit=limit)
    cells = [
        (each.id, each.name, each.language, each.licence, each.row_count) for each in page.items
    ]
    show_page(page, as_json, ("id", "name", "language", "licence", "#seeds"), cells)


@commands.command("show")
def show(seed_set: Named, as_json: AsJson = False) -> None:
    """One seed set."""
    with connected() as runtime:
        found = seed_sets.get(runtime, seed_set_id(runtime, seed_set))
    show_json(found) if as_json else show_facts(_facts(found))


@commands.command("seeds")
def seeds(
    seed_set: Named, limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False
) -> None:
    """The seeds of a set, in file order."""
    with connected() as runtime:
        found = seed_set_id(runtime, seed_set)
        page = seed_sets.page_seeds(runtime, found, cursor=cursor, limit=limit)
    cells = [
        (each.position, shortened(each.instruction), len(each.instances)) for each in page.items
    ]
    show_page(page, as_json, ("#position", "instruction", "#examples"), cells)


@commands.command("download")
def download(
    seed_set: Named,
    out: Annotated[Path | None, Option(help="a file; else standard output")] = None,
) -> None:
    """The seeds as JSONL that `add` reads again."""
    with connected() as runtime, written_whole(out) as file:
        for each in seed_sets.download(runtime, seed_set_id(runtime, seed_set)):
            file.write(orjson.dumps(_line(each), option=orjson.OPT_APPEND_NEWLINE))


@commands.command("delete")
def delete(seed_set: Named) -> None:
    """Remove a set that no job uses."""
    with connected() as runtime:
        seed_sets.delete(runtime, seed_set_id(runtime, seed_set))
    console().print("deleted")


def chunks_of(file: Path) -> Iterator[bytes]:
    """The bytes of a file, piece by piece."""
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            yield chunk


def _facts(found: SeedSet) -> Mapping[str, object]:
    return {name.replace("_", " "): getattr(found, name) for name in SeedSet.__slots__}


def _line(seed: StoredSeed) -> Mapping[str, Any]:
    return {
        "id": seed.external_id or f"seed_task_{seed.position}",
        "name": seed.name,
        "instruction": seed.instruction,
        "instances": plain(seed.instances),
        "is_classification": seed.is_classification,
    }
