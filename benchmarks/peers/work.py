"""What each peer's script is given, and what it says in the end; standard library only."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Work:
    """One load for one peer; `folder` outlives a run, so that a second one can go on from it."""

    base_url: str  # ends in /v1
    prompt_count: int
    in_flight: int
    folder: str
    keeps: bool  # whatever the peer has to go on after a crash is switched on
    defaults: bool  # failures are treated as they are when nothing is set
    model: str = "mock"

    @property
    def prompts(self) -> list[str]:
        """One line each, all different."""
        return [f"Write one sentence about subject {n}." for n in range(self.prompt_count)]


def given() -> Work:
    """Read the work that the command line names."""
    return Work(**json.loads(Path(sys.argv[1]).read_text()))


def report(rows: int) -> None:
    """Print how many usable rows there are, as the last line."""
    print(json.dumps({"rows": rows}), flush=True)
