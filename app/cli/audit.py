"""`cultivar audit`: who did what, and whether the log of it is whole."""

from typing import Annotated

from typer import BadParameter, Exit, Option, Typer

from app.cli.connection import connected
from app.cli.terminal import AsJson, Cursor, Limit, console, show_json, show_page
from app.domain.audit import read_link
from app.use_cases import audit

commands = Typer()


@commands.command("list")
def list_(
    action: Annotated[str | None, Option(help="only these, such as key.create")] = None,
    actor: Annotated[str | None, Option(help="only what this one did")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """Entries, newest first."""
    with connected() as runtime:
        page = audit.page(runtime, action=action, actor=actor, cursor=cursor, limit=limit)
    cells = [
        (
            each.number,
            each.at,
            f"{each.actor_kind} {each.actor}".strip(),
            each.address or "here",
            each.action,
            each.subject,
            each.outcome,
        )
        for each in page.items
    ]
    columns = ("#entry", "when", "who", "from", "what", "to what", "outcome")
    show_page(page, as_json, columns, cells)


@commands.command("verify")
def verify(
    head: Annotated[str | None, Option(help="a head that an earlier check printed")] = None,
    as_json: AsJson = False,
) -> None:
    """Walk the whole chain; the status is 1 when an entry was changed, removed or slipped in."""
    known = None if head is None else read_link(head)
    if head is not None and known is None:
        raise BadParameter("must be NUMBER:HASH as an earlier check printed", param_hint="--head")
    with connected() as runtime:
        found = audit.verify(runtime, known)
    if as_json:
        show_json(
            {
                "whole": found.problem is None,
                "entries": found.entries,
                "head": str(found.head),
                "broken_at": found.broken_at,
                "problem": found.problem,
            }
        )
    elif found.problem is None:
        console().print(f"whole: {found.entries:,} entries\nhead   {found.head}")
    else:
        console().print(f"broken at entry {found.broken_at}: {found.problem}")
    if found.problem is not None:
        raise Exit(1)
