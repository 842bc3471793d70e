"""`cultivar backup`: the database and the files that it names, as a folder."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from app.cli.standing import any_service
from app.cli.terminal import AsJson, error_console, show_facts, show_json
from app.use_cases import backups
from app.use_cases.backups import BackedUp


def command(
    target: Annotated[Path, Argument(metavar="FOLDER", help="to be made; a name that is free")],
    with_master_key: Annotated[
        bool, Option("--with-master-key", help="also the key that opens the teachers' keys")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The service may run meanwhile: what is kept is one moment of it. The master key is left out
    unless asked for, so that who finds the backup cannot use the teachers' keys in it.
    """
    with any_service() as runtime:
        made = backups.back_up(runtime, target.absolute(), with_master_key=with_master_key)
    show_backup(made, as_json)


def show_backup(made: BackedUp, as_json: bool) -> None:
    """What a backup holds, and what it does not."""
    if as_json:
        show_json(made)
        return
    names = ("folder", "revision", "tables", "rows", "files", "bytes")
    show_facts({name: getattr(made, name) for name in names})
    if made.missing:
        error_console().print(
            f"{len(made.missing)} export files were gone already; they can be made again."
        )
    error_console().print(
        "The master key is in it: whoever has the backup can use the teachers' keys."
        if made.with_master_key
        else "The master key is not in it. Keep HOME/master.key or CULTIVAR_MASTER_KEY elsewhere; "
        "without it the teachers' keys must be entered again."
    )
