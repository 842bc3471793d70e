"""`cultivar exports`: make dataset files, list them, fetch them."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from uuid import UUID

from typer import Argument, Exit, Option, Typer

from app.cli.connection import connected
from app.cli.errors import FAILED
from app.cli.method_options import FormatName, OptionPairs, read_options
from app.cli.push import push
from app.cli.terminal import AsJson, Cursor, Limit, console, show_facts, show_json, show_page
from app.domain.lifecycle import ExportState
from app.domain.stored import ExportRecord
from app.embedded.exporting import wait_for_export
from app.files.whole_file import written_whole
from app.runtime import Runtime
from app.use_cases import exports, methods

commands = Typer()
commands.command("push")(push)
PackagePairs = Annotated[
    list[str] | None,
    Option(metavar="NAME=VALUE", help="how to pack it, see `exports packaging`; may be repeated"),
]
Identified = Annotated[UUID, Argument(metavar="EXPORT", help="its id")]


@commands.command("make")
def make(
    job: Annotated[UUID, Argument(metavar="JOB", help="the job's id")],
    format_: FormatName = "alpaca_jsonl",
    option: OptionPairs = None,
    package: PackagePairs = None,
    out: Annotated[Path | None, Option(help="also copy the file there")] = None,
    no_wait: Annotated[bool, Option("--no-wait", help="do not wait until it is written")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the first target rows of a job to a file."""
    options, packed = _wanted(format_, option, package)
    with connected() as runtime:
        record = exports.request(runtime, job, format_, options, packed)
        if not no_wait:
            record = wait_for_export(runtime, record.id)
        if out is not None and record.state is ExportState.READY:
            _copy(runtime, record.id, out)
        _show(runtime, record, as_json)
    if record.state is ExportState.FAILED:
        raise Exit(FAILED)


@commands.command("preview")
def preview(
    job: Annotated[UUID, Argument(metavar="JOB", help="the job's id")],
    format_: FormatName = "alpaca_jsonl",
    option: OptionPairs = None,
    package: PackagePairs = None,
    as_json: AsJson = False,
) -> None:
    """The card that an export would have, before it is made."""
    options, packed = _wanted(format_, option, package)
    with connected() as runtime:
        found = exports.preview(runtime, job, format_, options, packed)
    if as_json:
        show_json(found)
        return
    sys.stdout.write(found.card)


def _wanted(
    format_: str, option: OptionPairs, package: PackagePairs
) -> tuple[Mapping[str, object], Mapping[str, object]]:
    known = {each.name: each for each in methods.all_formats()}
    fields = known[format_].options if format_ in known else ()
    packed = read_options(package or [], methods.packaging_fields())
    return read_options(option or [], fields), packed


@commands.command("formats")
def formats(as_json: AsJson = False) -> None:
    """The formats there are."""
    found = methods.all_formats()
    if as_json:
        show_json(found)
        return
    for each in found:
        console().print(f"{each.name:<22} {each.description}")


@commands.command("packaging")
def packaging(as_json: AsJson = False) -> None:
    """What `--package` can say: kind of file, splits, shards, bundle."""
    found = methods.packaging_fields()
    if as_json:
        show_json(found)
        return
    for each in found:
        choices = f" ({', '.join(each.choices)})" if each.choices else ""
        console().print(f"{each.name:<12} {each.help}{choices}")


@commands.command("list")
def list_(
    job: Annotated[UUID | None, Option(help="of this job only")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """Exports, newest first."""
    with connected() as runtime:
        page = exports.page(runtime, job_id=job, cursor=cursor, limit=limit)
    cells = [
        (each.id, each.job_id, each.format, each.state, each.row_count, each.bytes)
        for each in page.items
    ]
    show_page(page, as_json, ("id", "job", "format", "state", "#rows", "#bytes"), cells)


@commands.command("show")
def show(export: Identified, as_json: AsJson = False) -> None:
    """One export with its manifest."""
    with connected() as runtime:
        record = exports.get(runtime, export)
        _show(runtime, record, as_json)
    if not as_json and record.manifest:
        console().print("manifest")
        show_json(record.manifest)


@commands.command("download")
def download(
    export: Identified,
    out: Annotated[Path | None, Option(help="a file; else standard output")] = None,
) -> None:
    """Copy the file of a finished export."""
    with connected() as runtime:
        _copy(runtime, export, out)


@commands.command("card")
def card(
    export: Identified,
    out: Annotated[Path | None, Option(help="a file; else standard output")] = None,
) -> None:
    """The dataset card: what the file holds, where it came from, under which licences."""
    with connected() as runtime:
        text = exports.card(runtime, export)
    with written_whole(out) as target:
        target.write(text.encode())


@commands.command("delete")
def delete(export: Identified) -> None:
    """Remove an export and its file."""
    with connected() as runtime:
        exports.delete(runtime, export)
    console().print("deleted")


def _copy(runtime: Runtime, export_id: UUID, out: Path | None) -> None:
    _, path = exports.file(runtime, export_id)
    plain = path.suffix != ".gz"
    with path.open("rb") as source, written_whole(out, compress=plain) as target:
        shutil.copyfileobj(source, target)


def _show(runtime: Runtime, record: ExportRecord, as_json: bool) -> None:
    if as_json:
        show_json(record)
        return
    facts: dict[str, object] = dict(_facts(record))
    if record.state is ExportState.READY:
        facts["file"] = exports.file(runtime, record.id)[1]
    show_facts(facts)


def _facts(record: ExportRecord) -> Mapping[str, object]:
    names = [name for name in ExportRecord.__slots__ if name != "manifest"]
    facts = {name.replace("_", " "): getattr(record, name) for name in names}
    left_out = (record.manifest or {}).get("left_out")
    # Rows that the format cannot carry: whoever counts on all of them should see it here.
    return {**facts, "left out": left_out} if left_out else facts
