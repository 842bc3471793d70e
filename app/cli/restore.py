"""`cultivar restore`: put a backup into an empty service."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from app.cli.backup import show_backup
from app.cli.standing import service_at_rest
from app.cli.terminal import AsJson, error_console, show_facts, show_json
from app.embedded.migrate import migrate
from app.runtime import Runtime
from app.use_cases import backups
from app.use_cases.backups import Restored


def command(
    source: Annotated[Path, Argument(metavar="FOLDER", help="what `cultivar backup` made")],
    replace: Annotated[
        bool, Option("--replace", help="delete what the service holds for what the backup holds")
    ] = False,
    check: Annotated[
        bool, Option("--check", help="only read all of the backup, and say whether it is whole")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """All of the backup is checked first, then the database is brought to its revision, filled,
    and brought to the newest. The service must be stopped.
    """
    folder = source.absolute()
    if check:
        show_backup(backups.check(folder), as_json)
        return
    backups.check(folder)
    with service_at_rest() as runtime:
        restored = backups.restore(runtime, folder, _migration(runtime), replace=replace)
    _show(restored, as_json)


def _migration(runtime: Runtime) -> backups.Migrate:
    url = runtime.settings.database_url
    assert url is not None  # noqa: S101 - no runtime without one
    return lambda revision: migrate(url, revision)


def _show(restored: Restored, as_json: bool) -> None:
    if as_json:
        show_json(restored)
        return
    show_facts({name: getattr(restored, name) for name in ("revision", "rows", "files")})
    if restored.keyless:
        error_console().print(
            "The present master key does not open the keys of these teachers: "
            f"{', '.join(restored.keyless)}. Put the old one in place, or enter the keys again."
        )
