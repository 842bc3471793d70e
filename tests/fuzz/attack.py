"""`python -m tests.fuzz.attack TARGET --runs 100000`: guided by coverage, with atheris (libFuzzer).

Needs `pip install atheris`, which has wheels for Linux alone. What it finds it writes as `crash-*`
into the directory given.
"""

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Attack one target until the runs are through or it has an accident."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=0, help="0 for no limit")
    parser.add_argument("--found", type=Path, default=Path("fuzz-found"))
    given = parser.parse_args()
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["app"]):
        targets: Any = importlib.import_module("tests.fuzz.targets")
    target, corpus = targets.TARGETS[given.target]
    directory = given.found / given.target
    directory.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(corpus):
        (directory / f"seed-{number}").write_bytes(each)
    options = [f"-runs={given.runs}", f"-max_total_time={given.seconds}", "-max_len=4096"]
    options += ["-timeout=10", "-rss_limit_mb=2048", f"-artifact_prefix={directory}/"]
    atheris.Setup([sys.argv[0], str(directory), *options], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
