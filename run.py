#!/usr/bin/env python3
"""The one door for people and CI: makes .venv from the lock file, then runs a command in it.

Standard library only, and written so that an old Python can still read it and say so.
"""

import sys

if not (3, 11) <= sys.version_info[:2] < (3, 14):
    found = "{}.{}".format(*sys.version_info[:2])
    sys.exit("run.py needs Python 3.11, 3.12 or 3.13; this is Python " + found)

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.txt"
CORE = "requirements.lock"
DEVELOPMENT = "requirements-dev.lock"  # holds everything of the other, at the same versions
USAGE = """\
usage: python3 run.py COMMAND [OPTION ...]

  demo         grow 200 rows from the sample seeds and export them; needs no key and no network
                 --keep leaves the service running; --help tells the rest
  serve        run the service in the foreground, everything in one directory
                 --port N, --home DIRECTORY
  test         every check: format, lint, imports, types, migrations, tests
                 --long adds the tests that take minutes, --no-train leaves out the trainer's;
                 anything else goes to pytest, such as -k NAME
  check        the same without the slow tests
  bench NAME   measure one figure; without a name, list them
  lock         make the lock files again from pyproject.toml (needs uv)
"""


def main(arguments: list[str]) -> None:
    """Do what the command line asks; most commands end by becoming the venv's Python."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if command == "demo":
        become(CORE, "app.embedded.demo", rest)
    elif command == "serve":
        become(CORE, "app.embedded.serve", rest)
    elif command == "test":
        become(DEVELOPMENT, "tests.checks", rest)
    elif command == "check":
        become(DEVELOPMENT, "tests.checks", ["--quick", *rest])
    elif command == "bench":
        bench(rest)
    elif command == "lock":
        make_locks()
    elif command in ("help", "-h", "--help"):
        print(USAGE, end="")
    else:
        print(USAGE, end="", file=sys.stderr)
        sys.exit(2)


def become(lock: str, module: str, arguments: list[str]) -> None:
    """Run a module of ours in the venv, in place of this process: signals go straight to it."""
    prepare(lock)
    sys.stdout.flush()
    if lock == DEVELOPMENT:
        os.chdir(ROOT)  # tests and benchmarks are not installed
        os.execv(PYTHON, [str(PYTHON), "-m", module, *arguments])
    # -P: the directory we are called from may hold an `app` of its own.
    os.execv(PYTHON, [str(PYTHON), "-P", "-m", module, *arguments])


def bench(arguments: list[str]) -> None:
    """Run one benchmark, or list them."""
    names = sorted(path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py"))
    if not arguments or arguments[0] not in names:
        print("usage: python3 run.py bench NAME, where NAME is one of\n  " + "\n  ".join(names))
        sys.exit(2 if arguments else 0)
    become(DEVELOPMENT, f"benchmarks.{arguments[0]}", arguments[1:])


# The environment


def prepare(lock: str) -> None:
    """Bring .venv to what the lock file says; at once when it is there already."""
    os.environ.pop("PYTHONHOME", None)
    directory = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)  # a second run.py waits here for the first
    try:
        if not is_usable():
            make_environment()
        if stamp_of(lock) not in installed():
            install(lock)
    finally:
        os.close(directory)


def is_usable() -> bool:
    """Tell whether .venv has a Python that runs, and something to install with."""
    if not PYTHON.exists():
        return False
    code = "import sys, importlib.util as u; sys.exit(0 if u.find_spec('pip') else 3)"
    status = subprocess.run([str(PYTHON), "-c", code], stderr=subprocess.DEVNULL, check=False)
    return status.returncode == 0 or (status.returncode == 3 and shutil.which("uv") is not None)


def make_environment() -> None:
    """Make .venv anew, with this Python."""
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    elif shutil.which("uv"):
        command = ["uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)]
    else:
        sys.exit(
            "this Python comes without the venv module: install it "
            "(on Debian and Ubuntu: apt-get install python3-venv), or put uv on PATH"
        )
    step("making .venv", command)


def install(lock: str) -> None:
    """Install what a lock file pins, then this project itself, without a further download."""
    STAMP.unlink(missing_ok=True)
    pins = (ROOT / lock).read_text(encoding="utf-8")
    # The build backend first: it builds the one package that comes as source, and this project.
    with tempfile.NamedTemporaryFile("w", suffix=".lock", encoding="utf-8") as backend:
        backend.write(pin_of("setuptools", pins))
        backend.flush()
        step("installing the build backend", *installers("-r", backend.name))
    count = pins.count("==")
    step(f"installing up to {count} packages", *installers("-r", str(ROOT / lock)))
    pip = [str(PYTHON), "-m", "pip", "install", *QUIET, "--no-index"]
    uv = ["uv", "pip", "install", "--quiet", "--offline", "--python", str(PYTHON)]
    project = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    step("installing cultivar", *[[*tool, *project] for tool in ([uv] if has_uv() else []) + [pip]])
    locks = (CORE, DEVELOPMENT) if lock == DEVELOPMENT else (CORE,)
    STAMP.write_text("".join(stamp_of(name) + "\n" for name in locks), encoding="utf-8")


QUIET = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-compile")
CHECKED = ("--no-deps", "--require-hashes", "--no-build-isolation")


def installers(*what: str) -> list[list[str]]:
    """Return the commands that can install this, the fastest first.

    uv does not read pip's configuration, so where it fails pip may still know the way.
    """
    uv = ["uv", "pip", "install", "--quiet", "--python", str(PYTHON), *CHECKED, *what]
    pip = [str(PYTHON), "-m", "pip", "install", *QUIET, *CHECKED, *what]
    return [uv, pip] if has_uv() else [pip]


def has_uv() -> bool:
    """Tell whether uv is on PATH."""
    return shutil.which("uv") is not None


def pin_of(name: str, pins: str) -> str:
    """Return the lines of a lock file that pin one package: its version and its hashes."""
    _, found, rest = ("\n" + pins).partition(f"\n{name}==")
    if not found:
        sys.exit(f"the lock file does not pin {name}; make it again with `run.py lock`")
    lines = (name + "==" + rest).splitlines()
    last = next(number for number, line in enumerate(lines) if not line.endswith("\\"))
    return "\n".join(lines[: last + 1]) + "\n"


def installed() -> list[str]:
    """Return the stamps of what .venv holds."""
    return STAMP.read_text(encoding="utf-8").splitlines() if STAMP.exists() else []


def stamp_of(lock: str) -> str:
    """Return a line that changes when anything changes that would have to be installed again."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in (lock, "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return f"{lock} {digest.hexdigest()}"


def step(title: str, *commands: list[str]) -> None:
    """Run the first command that works, with one line of progress; end the program if none does."""
    print(title, end=" ... ", flush=True)
    started = time.monotonic()
    output = ""
    for command in commands:
        run = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if run.returncode == 0:
            print(f"{time.monotonic() - started:.0f} s", flush=True)
            return
        output = run.stdout
    print("failed", flush=True)
    sys.exit(output.strip())


# The lock files


def make_locks() -> None:
    """Resolve pyproject.toml into the two lock files: names, versions and hashes, no address."""
    if not has_uv():
        sys.exit("run.py lock needs uv on PATH")
    compile_ = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    compile_ += ["--generate-hashes", "--no-annotate", "--no-header", "pyproject.toml"]
    core = [*compile_, "--group", "build", "-o", CORE]
    # Constrained by the first, so that both pin the same version of what they share.
    development = [*compile_, "--group", "build", "--group", "dev", "-c", CORE, "-o", DEVELOPMENT]
    os.chdir(ROOT)
    for name, command in ((CORE, core), (DEVELOPMENT, development)):
        step(f"resolving {name}", command)
        if "://" in Path(name).read_text(encoding="utf-8"):
            sys.exit(f"{name} holds an address; it must hold names, versions and hashes only")


def keep_stdin_taken() -> None:
    """Where there is no standard input (CI), put /dev/null there, lest a file takes its place."""
    try:
        os.fstat(0)
    except OSError:
        null = os.open(os.devnull, os.O_RDONLY)
        os.set_inheritable(null, True)


if __name__ == "__main__":
    keep_stdin_taken()
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
