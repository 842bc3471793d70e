"""`cultivar serve`: the whole service in the foreground, everything in one directory."""

from pathlib import Path
from typing import Annotated

from typer import Exit, Option

from app.embedded import serve


def command(
    port: Annotated[int | None, Option(min=1, max=65535, help="of API and dashboard")] = None,
    home: Annotated[Path | None, Option(help="where the data is kept")] = None,
) -> None:
    """Postgres, Valkey, API and workers, until Ctrl-C; the data stays."""
    arguments = [] if port is None else ["--port", str(port)]
    arguments += [] if home is None else ["--home", str(home)]
    raise Exit(serve.main(arguments))
