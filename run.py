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
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
TRAIN_VENV = ROOT / ".venv-train"
PYTHON = VENV / "bin" / "python"
TRAIN_PYTHON = TRAIN_VENV / "bin" / "python"
STAMP = "installed.txt"
CORE = "requirements.lock"
DEVELOPMENT = "requirements-dev.lock"  # holds everything of the other, at the same versions
TRAIN = "requirements-train.lock"  # everything but torch and what it needs of a GPU's libraries
TRAIN_CUDA = "requirements-train-cuda.lock"  # these; used where no smaller torch is to be had
GPU_PACKAGES = ("torch", "triton", "bitsandbytes", "cuda-", "nvidia-")
# Commands that are a module in the venv: the lock file it needs, and its first options.
MODULES = {
    "demo": (CORE, "app.embedded.demo", ()),
    "serve": (CORE, "app.embedded.serve", ()),
    "check": (DEVELOPMENT, "tests.checks", ("--quick",)),
    "sbom": (DEVELOPMENT, "tests.sbom", ()),
}
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
  trainer      install what training needs into .venv-train; `test` does so by itself
                 --cuda takes the CUDA build of torch at once: several gigabytes
  bench NAME   measure one figure; without a name, list them
  sbom [FILE]  write what the service is made of, as CycloneDX
  lock         make the lock files again from pyproject.toml (needs uv)
"""


def main(arguments: list[str]) -> None:
    """Do what the command line asks; most commands end by becoming the venv's Python."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if command in MODULES:
        lock, module, options = MODULES[command]
        become(lock, module, [*options, *rest])
    elif command == "test":
        if "--no-train" not in rest and not {"-h", "--help"} & set(rest):
            prepare_trainer()
        become(DEVELOPMENT, "tests.checks", rest)
    elif command == "trainer":
        prepare_trainer(cuda="--cuda" in rest)
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
    if arguments[0] == "train":
        prepare_trainer()
        os.chdir(ROOT)
        os.execv(TRAIN_PYTHON, [str(TRAIN_PYTHON), "-m", "benchmarks.train", *arguments[1:]])
    become(DEVELOPMENT, f"benchmarks.{arguments[0]}", arguments[1:])


# The environment


def prepare(lock: str) -> None:
    """Bring .venv to what the lock file says; at once when it is there already."""
    os.environ.pop("PYTHONHOME", None)
    directory = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)  # a second run.py waits here for the first
    try:
        if not is_usable(PYTHON):
            make_environment(VENV)
        if stamp_of(lock) not in installed(VENV):
            install(lock)
    finally:
        os.close(directory)


def prepare_trainer(*, cuda: bool = False) -> None:
    """Bring .venv-train to what its lock files say; at once when it is there already."""
    os.environ.pop("PYTHONHOME", None)
    directory = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    try:
        if not is_usable(TRAIN_PYTHON) or not has_pip(TRAIN_PYTHON):
            make_environment(TRAIN_VENV)
        stamp = train_stamp()
        if not {stamp, f"{stamp} cuda"} & set(installed(TRAIN_VENV)) or (
            cuda and f"{stamp} cuda" not in installed(TRAIN_VENV)
        ):
            install_trainer(stamp, cuda=cuda)
    finally:
        os.close(directory)


def is_usable(python: Path) -> bool:
    """Tell whether a venv has a Python that runs, and something to install with."""
    if not python.exists():
        return False
    runs = subprocess.run([str(python), "-c", ""], stderr=subprocess.DEVNULL, check=False)
    return runs.returncode == 0 and (has_pip(python) or has_uv())


def has_pip(python: Path) -> bool:
    """Tell whether a venv has pip."""
    code = "import sys, importlib.util as u; sys.exit(0 if u.find_spec('pip') else 3)"
    run = subprocess.run([str(python), "-c", code], stderr=subprocess.DEVNULL, check=False)
    return run.returncode == 0


def make_environment(venv: Path) -> None:
    """Make a venv anew, with this Python."""
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        command = [sys.executable, "-m", "venv", "--clear", str(venv)]
    elif shutil.which("uv"):
        command = ["uv", "venv", "--quiet", "--clear", "--seed", "--python", sys.executable]
        command.append(str(venv))
    else:
        sys.exit(
            "this Python comes without the venv module: install it "
            "(on Debian and Ubuntu: apt-get install python3-venv), or put uv on PATH"
        )
    step(f"making {venv.name}", command)


def install(lock: str) -> None:
    """Install what a lock file pins, then this project itself, without a further download."""
    (VENV / STAMP).unlink(missing_ok=True)
    pins = (ROOT / lock).read_text(encoding="utf-8")
    # The build backend first: it builds the one package that comes as source, and this project.
    with tempfile.NamedTemporaryFile("w", suffix=".lock", encoding="utf-8") as backend:
        backend.write(pin_of("setuptools", pins))
        backend.flush()
        step("installing the build backend", *installers(PYTHON, "-r", backend.name))
    count = pins.count("==")
    step(f"installing up to {count} packages", *installers(PYTHON, "-r", str(ROOT / lock)))
    pip = [str(PYTHON), "-m", "pip", "install", *QUIET, "--no-index"]
    uv = ["uv", "pip", "install", "--quiet", "--offline", "--python", str(PYTHON)]
    project = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    step("installing cultivar", *[[*tool, *project] for tool in ([uv] if has_uv() else []) + [pip]])
    locks = (CORE, DEVELOPMENT) if lock == DEVELOPMENT else (CORE,)
    stamps = "".join(stamp_of(name) + "\n" for name in locks)
    (VENV / STAMP).write_text(stamps, encoding="utf-8")


def install_trainer(stamp: str, *, cuda: bool) -> None:
    """Install torch, the smallest that is to be had, and what stands in the trainer's lock file."""
    (TRAIN_VENV / STAMP).unlink(missing_ok=True)
    pins = (ROOT / TRAIN_CUDA).read_text(encoding="utf-8")
    version = pin_of("torch", pins).partition("==")[2].split()[0].rstrip(";")
    whole = cuda or not install_small_torch(version)
    if whole:
        count = pins.count("==")
        step(
            f"installing torch {version} for CUDA and {count - 1} more packages (gigabytes)",
            *installers(TRAIN_PYTHON, "-r", str(ROOT / TRAIN_CUDA)),
        )
    count = (ROOT / TRAIN).read_text(encoding="utf-8").count("==")
    step(
        f"installing up to {count} packages for training",
        *installers(TRAIN_PYTHON, "-r", str(ROOT / TRAIN)),
    )
    (TRAIN_VENV / STAMP).write_text(stamp + (" cuda" if whole else "") + "\n", encoding="utf-8")


def install_small_torch(version: str) -> bool:
    """Install a torch without a GPU's libraries, where pip finds one; tell whether it did.

    Some places offer such builds as `+cpu`; some indexes offer them under the plain version.
    """
    pip = [str(TRAIN_PYTHON), "-m", "pip", "install", *QUIET, "--no-deps"]
    if step(
        f"installing torch {version} for the CPU", [*pip, f"torch=={version}+cpu"], may_fail=True
    ):
        return True
    look = [*pip, "--dry-run", "--ignore-installed", "--report", "-", f"torch=={version}"]
    found = subprocess.run(look, capture_output=True, text=True, check=False)
    if found.returncode != 0 or needs_gpu_libraries(found.stdout):
        return False
    title = f"installing torch {version}, which is a CPU build here"
    return step(title, [*pip, f"torch=={version}"], may_fail=True)


def needs_gpu_libraries(report: str) -> bool:
    """Tell from pip's report of what it would install whether that needs a GPU's libraries."""
    if sys.platform != "linux":
        return False  # named under a marker, never installed
    wanted = json.loads(report)["install"][0]["metadata"].get("requires_dist", [])
    here = [each for each in wanted if "platform_machine" not in each or platform.machine() in each]
    return any(each.startswith(GPU_PACKAGES) for each in here)


QUIET = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-compile")
CHECKED = ("--no-deps", "--require-hashes", "--no-build-isolation")


def installers(python: Path, *what: str) -> list[list[str]]:
    """Return the commands that can install this, the fastest first.

    uv does not read pip's configuration, so where it fails pip may still know the way.
    """
    uv = ["uv", "pip", "install", "--quiet", "--python", str(python), *CHECKED, *what]
    pip = [str(python), "-m", "pip", "install", *QUIET, *CHECKED, *what]
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


def installed(venv: Path) -> list[str]:
    """Return the stamps of what a venv holds."""
    stamp = venv / STAMP
    return stamp.read_text(encoding="utf-8").splitlines() if stamp.exists() else []


def train_stamp() -> str:
    """Return a line that changes when the trainer's lock files do."""
    digest = hashlib.sha256()
    for name in (TRAIN, TRAIN_CUDA):
        digest.update((ROOT / name).read_bytes())
    return f"{TRAIN} {digest.hexdigest()}"


def stamp_of(lock: str) -> str:
    """Return a line that changes when anything changes that would have to be installed again."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in (lock, "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return f"{lock} {digest.hexdigest()}"


def step(title: str, *commands: list[str], may_fail: bool = False) -> bool:
    """Run the first command that works, with one line of progress; end the program if none does.

    A step that may fail returns False instead.
    """
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
            return True
        output = run.stdout
    print("not to be had" if may_fail else "failed", flush=True)
    if may_fail:
        return False
    sys.exit(output.strip())


# The lock files


def make_locks() -> None:
    """Resolve pyproject.toml into the lock files: names, versions and hashes, no address."""
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
    make_train_locks(compile_[:-1])
    for name in (CORE, DEVELOPMENT, TRAIN, TRAIN_CUDA):
        if "://" in Path(name).read_text(encoding="utf-8"):
            sys.exit(f"{name} holds an address; it must hold names, versions and hashes only")


def make_train_locks(compile_: list[str]) -> None:
    """Resolve the extra `train` by itself, and part what belongs to a GPU from the rest."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    wanted = project["project"]["optional-dependencies"]["train"]
    wanted = [*wanted, *groups["train-tests"], *groups["build"]]
    with tempfile.NamedTemporaryFile("w", suffix=".in", encoding="utf-8") as given:
        given.write("\n".join(wanted) + "\n")
        given.flush()
        step(f"resolving {TRAIN}", [*compile_, given.name, "-o", TRAIN])
    blocks = re.split(r"(?m)^(?=\S)", Path(TRAIN).read_text(encoding="utf-8"))
    gpu = [each for each in blocks if each.startswith(GPU_PACKAGES)]
    rest = [each for each in blocks if not each.startswith(GPU_PACKAGES)]
    Path(TRAIN).write_text("".join(rest), encoding="utf-8")
    Path(TRAIN_CUDA).write_text("".join(gpu), encoding="utf-8")


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
