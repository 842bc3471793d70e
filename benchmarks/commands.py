"""How long a new user waits: `run.py demo` in a fresh clone, cold and warm.

    python -m benchmarks.commands [--rows 200]

Clones this repository's HEAD into a temporary folder, so nothing that was installed by hand
helps. The goals: at most 180 s cold (packages downloaded), at most 20 s warm.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GOALS_S = {"cold": 180.0, "warm": 20.0}


def main() -> None:
    """Time both and print a table and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="cultivar-clone-") as folder:
        clone = Path(folder) / "cultivar"
        git = shutil.which("git") or sys.exit("git is not on PATH")
        subprocess.run([git, "clone", "--quiet", str(ROOT), str(clone)], check=True)
        found = {name: round(demo_s(clone, rows), 1) for name in GOALS_S}
    for name, seconds in found.items():
        sys.stdout.write(f"demo, {name:<5} {seconds:7.1f} s   goal {GOALS_S[name]:.0f} s\n")
    sys.stdout.write(json.dumps({"benchmark": "commands", "rows": rows, "seconds": found}) + "\n")


def demo_s(clone: Path, rows: int) -> float:
    """Run the demo as a user would and return its wall-clock seconds."""
    started_s = time.monotonic()
    command = [sys.executable, "run.py", "demo", "--rows", str(rows)]
    subprocess.run(command, cwd=clone, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return time.monotonic() - started_s


if __name__ == "__main__":
    main()
