"""How the command line shows things: tables for people, JSON for programs."""

import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer import Option

from app.domain.stored import Page
from app.files.excerpt import visible

_MICRO = 1_000_000
_ID_WIDTH = 36
_PIPE_WIDTH = 4000

AsJson = Annotated[bool, Option("--json", help="JSON instead of a table")]
Cursor = Annotated[str | None, Option(help="the `next` of the page before")]
Limit = Annotated[int, Option(min=1, max=1000, help="how many at most")]


def console() -> Console:
    """Standard output; nothing in what is shown is taken for markup."""
    return Console(markup=False, highlight=False, soft_wrap=True)


def error_console() -> Console:
    """Standard error, for whatever is not the result."""
    return Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def show_json(value: object) -> None:
    """One JSON value on standard output."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    sys.stdout.write(orjson.dumps(plain(value), default=str, option=options).decode())


def facts_of(record: Any) -> dict[str, Any]:
    """A record by its names, as JSON has it, without what it keeps out of its repr."""
    shown = [field.name for field in dataclasses.fields(record) if field.repr]
    return {name: plain(getattr(record, name)) for name in shown}


def plain(value: object) -> object:
    """A value as JSON has it; fields that a record keeps out of its repr are kept out here too."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return facts_of(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def show_page(
    page: Page[Any],
    as_json: bool,
    columns: Sequence[str],
    cells: Iterable[Sequence[object]],
) -> None:
    """A page of a list; `cells` are the rows of the table, in the order of `columns`."""
    if as_json:
        show_json(page)
        return
    show_table(columns, cells)
    if page.next is not None:
        error_console().print(f"more with --cursor {page.next}")


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table that no text can break out of; ids stay whole at any width."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        whole = name == "id"
        number = name.startswith("#")
        table.add_column(
            name.removeprefix("#"),
            no_wrap=whole,
            min_width=_ID_WIDTH if whole else None,
            justify="right" if number else "left",
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(cell(each)) for each in row))
    terminal = console()
    if not terminal.is_terminal:
        terminal.width = _PIPE_WIDTH  # a row stays on one line, so that it can be searched and cut
    terminal.print(table, soft_wrap=False)


def show_facts(facts: Mapping[str, object]) -> None:
    """Names and values below each other."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        console().print(f"{name:<{width}}  {cell(value)}")


def cell(value: object) -> str:
    """A value in one line."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:g}"
        case datetime():
            return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        case Mapping() | list() | tuple():
            return visible(orjson.dumps(plain(value), default=str).decode())
        case _:
            return visible(str(value))


def shortened(text: str, width: int = 100) -> str:
    """The beginning of a text."""
    return text if len(text) <= width else text[: width - 1] + "…"


def dollars(micro_usd: int | None) -> str:
    """Money as people write it, to the hundredth of a cent; more digits only where all are zero."""
    if micro_usd is None:
        return "-"
    amount = micro_usd / _MICRO
    return f"${amount:,.4f}" if amount >= 0.0001 or not micro_usd else f"${amount:.6f}"
