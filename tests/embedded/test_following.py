"""How a job is followed in a terminal: every number stays whole, also in a narrow window."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from app.embedded.following import WIDE_COLUMNS, bar_columns

COUNTS = "9,999 calls, 1,234 dropped, $1.2345"


@pytest.mark.parametrize(
    ("width", "facts"), [(80, COUNTS), (WIDE_COLUMNS, f"{COUNTS}, 1,234 rows/min")]
)
def test_the_bar_cuts_no_number(width: int, facts: str) -> None:
    written = io.StringIO()
    terminal = Console(file=written, force_terminal=True, width=width, color_system=None)
    with Progress(*bar_columns(width >= WIDE_COLUMNS), console=terminal) as bar:
        bar.add_task("succeeded", total=1000, completed=1000, facts=facts)
    shown = written.getvalue()
    assert "1000/1000" in shown
    assert facts in shown
    assert "…" not in shown
