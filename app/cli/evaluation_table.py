"""What tuning made better or worse, as a table on the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from app.domain.tuning_results import before_and_after, verdict_words


def show_evaluation(evaluation: Mapping[str, Any], console: Console) -> None:
    """Each measure before and after, and the verdict in words."""
    table = Table("", "base", "tuned", "change (95 %)", box=None, pad_edge=False)
    for cells in before_and_after(evaluation):
        table.add_row(*cells)
    console.print(table)
    console.print(" ".join(verdict_words(evaluation["verdict"])), markup=False)
