"""The service in the foreground: `python -m app.embedded.serve`."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from app.embedded.errors import EmbeddedError
from app.embedded.service import EmbeddedService
from app.embedded.signals import ending_like_interrupt
from app.settings import Settings

# The dashboard offers it to new users: slow enough to be seen, so quick that nobody waits.
DEMO_TEACHER_ARGUMENTS = ("--latency-s", "0.3", "--latency-tail", "lognormal")


def main(arguments: list[str] | None = None) -> int:
    """Run the service until Ctrl-C; the exit status is 0 then, and 1 when it cannot run."""
    settings = Settings()
    parser = argparse.ArgumentParser(prog="run.py serve", description=__doc__)
    parser.add_argument("--port", type=int, default=settings.port, help="of API and dashboard")
    parser.add_argument("--home", type=Path, default=settings.home, help="where the data is kept")
    given = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    try:
        with ending_like_interrupt():
            _serve(given.home, given.port, console)
    except KeyboardInterrupt:
        return 0
    except EmbeddedError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {error}", markup=False)
        return 1
    return 0


def _serve(home: Path, port: int, console: Console) -> None:
    service = EmbeddedService(
        home, port=port, demo_teacher=DEMO_TEACHER_ARGUMENTS, report=console.print
    )
    with service:
        console.print(f"dashboard  {service.api_url}/")
        console.print(f"API        {service.api_url}/docs")
        console.print(f"data       {service.home}")
        console.print("Ctrl-C stops everything and keeps the data.")
        service.wait()


if __name__ == "__main__":
    sys.exit(main())
