"""`cultivar keys`: API keys of the service, and an address that lets a browser in."""

from typing import Annotated

from typer import Argument, Option, Typer

from app.cli.connection import connected, running_url
from app.cli.terminal import AsJson, Cursor, Limit, console, error_console, show_json, show_page
from app.domain.access import Scope
from app.errors import Unavailable
from app.use_cases import api_keys, sessions
from app.use_cases.api_keys import KeyDetails, MadeKey

commands = Typer()

Key = Annotated[str, Argument(metavar="KEY", help="its id, or what it begins with")]


@commands.command("create")
def create(
    name: Annotated[str, Option(help="whose or what for it is")],
    scope: Annotated[list[Scope], Option(help="what it allows; may be given several times")],
    days: Annotated[float | None, Option(help="until it expires; else it does not")] = None,
    requests_per_minute: Annotated[int | None, Option(help="else as is usual here")] = None,
    jobs_per_day: Annotated[int | None, Option(help="jobs in 24 hours; else any number")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once."""
    details = KeyDetails(name, scope, days, requests_per_minute, jobs_per_day)
    with connected() as runtime:
        _show_made(api_keys.create(runtime, details), as_json)


@commands.command("list")
def list_(limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False) -> None:
    """Keys, newest first, those that have ended included."""
    with connected() as runtime:
        page = api_keys.page(runtime, cursor=cursor, limit=limit)
    cells = [
        (
            f"cvr_{each.prefix}",
            each.name,
            ", ".join(each.scopes),
            each.last_used_at or "never",
            each.revoked_at or each.expires_at or "never",
        )
        for each in page.items
    ]
    show_page(page, as_json, ("key", "name", "allows", "last used", "ends"), cells)


@commands.command("rotate")
def rotate(
    key: Key,
    overlap_s: Annotated[float, Option(help="seconds for which the old one goes on")] = 86_400,
    as_json: AsJson = False,
) -> None:
    """Make a new key in place of one, which goes on for a while."""
    with connected() as runtime:
        made = api_keys.rotate(runtime, api_keys.id_of(runtime, key), overlap_s=overlap_s)
        _show_made(made, as_json)


@commands.command("revoke")
def revoke(key: Key) -> None:
    """End a key: within five seconds no process takes it any more."""
    with connected() as runtime:
        ended = api_keys.revoke(runtime, api_keys.id_of(runtime, key))
    console().print(f"revoked cvr_{ended.prefix} ({ended.name})")


@commands.command("link")
def link() -> None:
    """Print an address that lets a browser on this machine in, once."""
    url = running_url()
    if url is None:
        raise Unavailable("No service of this machine runs here; start one with `cultivar serve`.")
    with connected() as runtime:
        console().print(sessions.login_url(runtime, url))


def _show_made(made: MadeKey, as_json: bool) -> None:
    if as_json:
        show_json({"id": str(made.key.id), "prefix": made.key.prefix, "key": made.text})
        return
    error_console().print("Keep it well: it is stored nowhere and not shown again.")
    console().print(made.text)
