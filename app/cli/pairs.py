"""How a row and a template are shown: what came of them, or why nothing did."""

from app.cli.terminal import console
from app.domain.templates import Rendered, Template
from app.files.excerpt import visible
from app.sandbox.template_sandbox import PairOutcome

_SHOWN_CHARACTERS = 2000


def show_pair(template: Template, pair: PairOutcome) -> None:
    """One pair, for people."""
    screen, outcome = console(), pair.outcome
    screen.print(f"row {pair.order.row}, {visible(template.name)}")
    if isinstance(outcome, Rendered):
        screen.print(_indented("input", outcome.input))
        screen.print(_indented("target", outcome.target))
    else:
        detail = f": {visible(outcome.detail)}" if outcome.detail else ""
        screen.print(f"  skipped: {outcome.reason}{detail}")
    screen.print()


def _indented(title: str, text: str) -> str:
    shown = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + " …"
    lines = [visible(line) for line in shown.split("\n")]
    return "\n".join([f"  {title}:", *(f"    {line}" for line in lines)])
