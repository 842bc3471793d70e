"""A progress bar for reading files, on standard error, where that is a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from app.files.checked_rows import Report
from app.files.row_files import RowFile


@contextmanager
def reading_progress(console: Console) -> Iterator[Report | None]:
    """Give a function to be told how far the reading is; None where nobody would see it."""
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bars: dict[int, TaskID] = {}

        def report(file: RowFile, rows: int) -> None:
            bar = bars.get(id(file))
            if bar is None:
                task = progress.add_task(file.name, total=file.size_bytes, rows=0)
                bar = bars.setdefault(id(file), task)
            progress.update(bar, completed=file.read_bytes, rows=rows)

        yield report
