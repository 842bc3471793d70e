"""The promises about faults, each tried on a running service, with what was measured.

    python -m benchmarks.faults [--full] [--only 1 5 19]

Starts Postgres, Redis, the API, workers and a demo teacher of its own. Without --full it tries what
`run.py test` does (some minutes), with it the whole measure of the table (hours).
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass

from tests.faults.figures import Figures
from tests.faults.harness import Harness, running_harness
from tests.faults.promise import Promise
from tests.faults.promises import BY_NUMBER, PROMISES

HEAD = (
    f"{'':4} {'promise':48} {'':6} {'faults':>6} {'calls':>6} {'lost':>4} {'twice':>5} "
    f"{'again':>5} {'of':>5} {'stall s':>7} {'back s':>6} {'took s':>6}\n"
)


@dataclass(frozen=True)
class Tried:
    """One promise and what came of it: figures, or how it was broken."""

    promise: Promise
    took_s: float
    figures: Figures | None
    broken: str | None

    def line(self) -> str:
        """A line of the table."""
        start = f"{self.promise.number:4} {self.promise.words:48} "
        end = f"{self.took_s:6.0f}\n"
        if (found := self.figures) is None:
            return f"{start}BROKEN {'':50} {end}       {self.broken}\n"
        return (
            f"{start}kept   {found.faults:6} {found.calls:6} {found.lost:4} {found.duplicated:5} "
            f"{found.paid_again:5} {found.allowed_again:5} {found.stall_s:7.1f} "
            f"{found.recovery_s:6.1f} {end}"
        )

    def as_json(self) -> dict[str, object]:
        """The same as values."""
        figures = self.figures.as_json() if self.figures else {"broken": self.broken}
        return {"kept": self.figures is not None, "took_s": round(self.took_s, 1), **figures}


def main() -> int:
    """Print a table and, last, one JSON line; the exit status is 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the whole measure, for hours")
    parser.add_argument("--only", nargs="+", choices=[*BY_NUMBER], help="numbers of promises")
    given = parser.parse_args()
    chosen = [BY_NUMBER[number] for number in given.only] if given.only else list(PROMISES)
    sys.stdout.write(HEAD)
    with running_harness() as harness:
        tried = [_shown(_try(harness, promise, full=given.full)) for promise in chosen]
    results = {each.promise.number: each.as_json() for each in tried}
    line = {"benchmark": "faults", "size": "full" if given.full else "short", "promises": results}
    sys.stdout.write(json.dumps(line) + "\n")
    return 0 if all(each.figures for each in tried) else 1


def _try(harness: Harness, promise: Promise, *, full: bool) -> Tried:
    started_s = time.monotonic()
    figures = broken = None
    try:
        figures = promise.run(harness, promise.full if full else promise.short)
    except AssertionError as error:
        broken = " ".join(str(error).split())[:300] or "an assertion failed"
    return Tried(promise, time.monotonic() - started_s, figures, broken)


def _shown(tried: Tried) -> Tried:
    sys.stdout.write(tried.line())
    sys.stdout.flush()
    return tried


if __name__ == "__main__":
    sys.exit(main())
