"""Every check of this repository, one after the other, for `run.py test` and `run.py check`."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.embedded.errors import EmbeddedError
from app.embedded.migrate import ROOT, migrate
from tests.audit import audit
from tests.servers import NoServerError, postgres_source, redis_source, running_postgres

TOOLS = Path(sys.executable).parent
TRAINER = ROOT / ".venv-train" / "bin" / "python"
TRAINER_TESTS = ROOT / "tests" / "workers" / "training"
NO_TESTS = 5  # pytest's status when a selection matches nothing
# Most tests wait for servers, so two processes serve two cores well; a file's tests stay together.
SPREAD = ("--numprocesses=2", "--dist=loadfile")


@dataclass(frozen=True)
class Check:
    """One check: its name, and what runs it and returns its exit status and its output."""

    name: str
    run: Callable[[], tuple[int, str]]


def main(arguments: Sequence[str]) -> int:
    """Run every check, also after one failed; the exit status is 0 when all passed."""
    parser = argparse.ArgumentParser(prog="run.py test", description=__doc__, add_help=True)
    parser.add_argument("--quick", action="store_true", help="leave out the slow tests")
    parser.add_argument("--long", action="store_true", help="add the tests that take minutes")
    parser.add_argument("--no-train", action="store_true", help="leave out the trainer's tests")
    given, rest = parser.parse_known_args(arguments)
    started = time.monotonic()
    say_servers()
    failed = [check.name for check in CHECKS if not passes(check)]
    say("tests")
    if run_pytest(["-m", selection(given.quick, given.long, given.no_train), *rest]) != 0:
        failed.append("tests")
    if not train_passes(given.quick, given.no_train, rest):
        failed.append("training tests")
    verdict = f"failed: {', '.join(failed)}" if failed else "everything passed"
    say(f"{verdict} ({time.monotonic() - started:.0f} s)")
    return 1 if failed else 0


def say_servers() -> None:
    """Tell which servers the tests will use."""
    for name, source in (("Postgres", postgres_source), ("Redis", redis_source)):
        try:
            say(f"{name}: {source()}")
        except NoServerError as error:
            say(f"{name}: {error}")


def passes(check: Check) -> bool:
    """Run one check, say how it went and how long it took, and show what a failed one wrote."""
    started = time.monotonic()
    status, output = check.run()
    left_out = status == 0 and output.startswith("left out")
    verdict = output.strip() if left_out else "ok" if status == 0 else "FAILED"
    say(f"{check.name}: {verdict} ({time.monotonic() - started:.1f} s)")
    if status != 0:
        say(output.rstrip())
    return status == 0


def selection(quick: bool, long: bool, no_train: bool) -> str:
    """Return pytest's marker expression for these wishes."""
    left_out = [
        *(["slow"] if quick else []),
        *([] if long else ["long"]),
        *(["train"] if no_train else []),
    ]
    return " and ".join(f"not {marker}" for marker in left_out)


def run_pytest(arguments: Sequence[str]) -> int:
    """Run the tests with their output in the open."""
    sys.stdout.flush()
    command = [sys.executable, "-m", "pytest", *SPREAD, *arguments]
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode


def train_passes(quick: bool, no_train: bool, rest: Sequence[str]) -> bool:
    """Run the trainer's tests in its own environment; what is left out is said by name."""
    if quick or no_train:
        say(f"training tests: left out ({'check' if quick else '--no-train'})")
        return True
    if not TRAINER.exists():
        say("training tests: FAILED: there is no .venv-train; run `python3 run.py trainer`")
        return False
    paths = [each for each in rest if (ROOT / each.partition("::")[0]).exists()]
    if paths and not any((ROOT / each).is_relative_to(TRAINER_TESTS) for each in paths):
        say("training tests: left out (other tests are named)")
        return True
    say("training tests")
    command = [str(TRAINER), "-m", "pytest", f"--confcutdir={TRAINER_TESTS}", *rest]
    given = command if paths else [*command, str(TRAINER_TESTS)]
    ended = subprocess.run(given, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    return ended.returncode == 0 or (bool(rest) and ended.returncode == NO_TESTS)


def tool(*command: str) -> Callable[[], tuple[int, str]]:
    """Return a check that is a program of the environment."""

    def run() -> tuple[int, str]:
        program = TOOLS / command[0]
        run = subprocess.run(
            [str(program), *command[1:]],
            cwd=ROOT,
            env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return run.returncode, run.stdout

    return run


def migration_drift() -> tuple[int, str]:
    """Migrate an empty database and let Alembic compare it with the tables in the code."""
    with running_postgres() as server:
        database = f"cultivar_drift_{os.getpid()}"
        url = server.create(database)
        try:
            migrate(url)
            os.environ["CULTIVAR_DATABASE_URL"] = url
            return tool("alembic", "check")()
        except EmbeddedError as error:
            return 1, str(error)
        finally:
            os.environ.pop("CULTIVAR_DATABASE_URL", None)
            server.drop(database)


def say(line: str) -> None:
    """Write a line at once, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


CHECKS = (
    Check("format", tool("ruff", "format", "--check", ".")),
    Check("lint", tool("ruff", "check", ".")),
    Check("imports", tool("lint-imports", "--no-logo")),
    Check("types", tool("pyright", "--pythonpath", sys.executable)),
    Check("migrations", migration_drift),
    Check("advisories", audit),
)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
