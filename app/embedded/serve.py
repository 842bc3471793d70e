"""The service in the foreground: `python -m app.embedded.serve`."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from app.embedded.entrance import dashboard_url, first_key
from app.embedded.errors import EmbeddedError
from app.embedded.front import NO_AUTH, add_options, read_front
from app.embedded.programs import Front
from app.embedded.service import EmbeddedService
from app.embedded.signals import ending_like_interrupt
from app.errors import InvalidInput
from app.settings import Settings

WRONG_USAGE = 2
# The dashboard offers it to new users: slow enough to be seen, so quick that nobody waits.
DEMO_TEACHER_ARGUMENTS = ("--latency-s", "0.3", "--latency-tail", "lognormal")


def main(arguments: list[str] | None = None) -> int:
    """Run the service until Ctrl-C; status 0 then, 1 when it cannot run, 2 when it must not."""
    settings = Settings()
    parser = argparse.ArgumentParser(prog="run.py serve", description=__doc__)
    parser.add_argument("--port", type=int, default=settings.port, help="of API and dashboard")
    parser.add_argument("--home", type=Path, default=settings.home, help="where the data is kept")
    add_options(parser)
    given = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    try:
        with ending_like_interrupt():
            _serve(given.home, given.port, read_front(given), console)
    except KeyboardInterrupt:
        return 0
    except (EmbeddedError, InvalidInput) as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {error}", markup=False)
        return WRONG_USAGE if isinstance(error, InvalidInput) else 1
    return 0


def _serve(home: Path, port: int, front: Front, console: Console) -> None:
    service = EmbeddedService(
        home, port=port, front=front, demo_teacher=DEMO_TEACHER_ARGUMENTS, report=console.print
    )
    with service:
        if front.posture.no_auth:
            console.print(NO_AUTH, markup=False)
        key = first_key(service)
        if key is not None:
            console.print(
                f"first key  {key}\n           shown this once: keep it well", markup=False
            )
        console.print(f"dashboard  {dashboard_url(service)}", markup=False)
        console.print(f"API        {service.api_url}/docs")
        console.print(f"data       {service.home}")
        console.print("Ctrl-C stops everything and keeps the data.")
        service.wait()


if __name__ == "__main__":
    sys.exit(main())
