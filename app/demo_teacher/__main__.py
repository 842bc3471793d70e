"""`python -m app.demo_teacher`: reads the command line and serves."""

import sys

from app.demo_teacher.process import run
from app.demo_teacher.replay import ReplayFileError
from app.demo_teacher.settings import parse_settings


def main() -> int:
    """Exit status: 0 stopped, 1 could not start, 2 wrong usage."""
    settings = parse_settings(sys.argv[1:])
    try:
        run(settings)
    except (OSError, ReplayFileError) as error:
        sys.stderr.write(f"demo teacher: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
