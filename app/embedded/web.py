"""The web process alone, on servers that run elsewhere: `python -m app.embedded.web`.

It becomes uvicorn once its posture is known to be safe, so signals reach that directly.
"""

import argparse
import os
import sys

from app.embedded import programs
from app.embedded.front import NO_AUTH, add_options, environment_of, read_front
from app.errors import InvalidInput
from app.settings import Settings

WRONG_USAGE = 2


def main(arguments: list[str] | None = None) -> int:
    """Serve, or say why not; the exit status is 2 then."""
    parser = argparse.ArgumentParser(prog="python -m app.embedded.web", description=__doc__)
    parser.add_argument("--port", type=int, default=Settings().port, help="of API and dashboard")
    add_options(parser)
    given = parser.parse_args(arguments)
    try:
        front = read_front(given)
    except InvalidInput as error:
        sys.stderr.write(f"error: {error}\n")
        return WRONG_USAGE
    if front.posture.no_auth:
        sys.stderr.write(NO_AUTH + "\n")
    program = programs.api(given.port, front)
    os.environ.update(environment_of(front.posture))
    return os.execv(program.arguments[0], program.arguments)  # noqa: S606 - our own command line


if __name__ == "__main__":
    sys.exit(main())
