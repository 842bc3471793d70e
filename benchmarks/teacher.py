"""How near our whole stack keeps a teacher to its capacity, and what that costs."""

import argparse
import json
from contextlib import suppress
from dataclasses import asdict

import uvloop

from benchmarks.teacher_door import Case
from benchmarks.teacher_stack import run, serve


def main() -> None:
    """Print a table and, last, one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--in-flight", type=int, default=500)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--tail", choices=["fixed", "long"], default="fixed")
    parser.add_argument("--json", action="store_true", help="this one case alone, last line JSON")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        with suppress(KeyboardInterrupt):
            uvloop.run(serve(float(given.serve[0]), given.serve[1]))
        return
    measured = run(Case(given.in_flight, given.latency, given.calls), tail=given.tail)
    print(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main()
