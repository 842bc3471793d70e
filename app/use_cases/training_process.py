"""The trainer as a process: started without secrets, followed by its files, ended in good order."""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import orjson

from app.domain.handoff import CONFIG
from app.domain.training_ending import Ending
from app.errors import InvalidInput, Unavailable

PROGRESS, RETRY, ERROR, LOG = "progress.jsonl", "retry.json", "error.json", "trainer.log"
_ROOT = Path(__file__).resolve().parents[2]
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
_POLL_S = 0.25
Line = Mapping[str, object]
Listener = Callable[[Line], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a process may take: in all, without a word, and to save when it is asked to stop."""

    wall_s: float | None = None
    silence_s: float = 1800.0
    saving_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended; `detail` is a sentence for people, empty when all is well.

    `overdue`: it was stopped because its time was up.
    """

    ending: Ending
    detail: str = ""
    overdue: bool = False


def find_python(named: Path | None) -> Path:
    """The Python that has the training libraries; raises Unavailable that says how to get one."""
    if named is not None:
        if not named.is_file():
            raise InvalidInput(f"CULTIVAR_TRAIN_PYTHON names {named}, and nothing is there.")
        return named
    own = _ROOT / ".venv-train" / "bin" / "python"
    if own.exists():
        return own
    if importlib.util.find_spec("trl") and importlib.util.find_spec("torch"):
        return Path(sys.executable)
    raise Unavailable(
        "The training libraries are not installed: run `python3 run.py trainer`, or name a Python "
        "that has them in CULTIVAR_TRAIN_PYTHON.",
        code="trainer_missing",
    )


def do_nothing() -> None:
    """Stand where nobody has anything to do meanwhile."""


def run_training(
    folder: Path,
    python: Path,
    *,
    arguments: tuple[str, ...] = (),
    hear: Listener | None = None,
    tick: Callable[[], None] = do_nothing,
    stop: threading.Event | None = None,
    limits: Limits | None = None,
) -> Ended:
    """Train a handoff folder to its end, and once more with half the memory where it ran out.

    `hear` is given every line of progress, and `tick` is called a few times a second; what they
    raise ends the process and comes through. When `stop` is set, or the run's `max_hours` are over,
    the process is asked to save and end; it is killed when that takes too long, and also when it
    says nothing for too long.
    """
    asked, within = stop or threading.Event(), limits or _own_limits(folder)
    one = _Process(folder, python, arguments, hear or _unheard, tick, asked, within)
    ended = one.run()
    if ended.ending is Ending.OUT_OF_MEMORY and _may_retry(folder) and not asked.is_set():
        (folder / RETRY).write_bytes(orjson.dumps({"reason": ended.detail}))
        ended = one.run()
    return ended


def _own_limits(folder: Path) -> Limits:
    """The limits that the run's own settings ask for."""
    path = folder / CONFIG
    settings: Line = orjson.loads(path.read_bytes()) if path.exists() else {}
    hours = settings.get("max_hours")
    return Limits(wall_s=3600 * hours if isinstance(hours, int | float) else None)


def _unheard(_: Line) -> None:
    """Stand where nobody listens."""


def _may_retry(folder: Path) -> bool:
    return not (folder / RETRY).exists()


class _Process:
    def __init__(
        self,
        folder: Path,
        python: Path,
        arguments: tuple[str, ...],
        hear: Listener,
        tick: Callable[[], None],
        stop: threading.Event,
        limits: Limits,
    ) -> None:
        self._folder, self._hear, self._tick = folder, hear, tick
        self._stop, self._limits = stop, limits
        self._asked = self._overdue = False
        self._command = [str(python), "-P", "-m", "workers.training.train"]
        self._command += [str(folder.resolve()), *arguments]

    def run(self) -> Ended:
        """Start it and stay until it has ended."""
        (self._folder / ERROR).unlink(missing_ok=True)
        reading = _Progress(self._folder / PROGRESS)
        with (self._folder / LOG).open("ab") as log:
            process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            killed = self._follow(process, reading)
        finally:
            _kill(process)
        for line in reading.new_lines():
            self._hear(line)
        if process.returncode == -signal.SIGTERM and self._asked:
            return Ended(Ending.STOPPED)  # before it could listen, so that nothing is lost
        ended = _ended(process.returncode, killed, self._folder)
        if ended.ending is Ending.STOPPED and self._overdue:
            return Ended(Ending.STOPPED, self._overdue_words(), overdue=True)
        return ended

    def _follow(self, process: "subprocess.Popen[bytes]", reading: "_Progress") -> str:
        """Wait for its end; why it was killed, empty if it was not."""
        began = heard = time.monotonic()
        asked_at: float | None = None
        while process.poll() is None:
            for line in reading.new_lines():
                heard = time.monotonic()
                self._hear(line)
            self._tick()
            now = time.monotonic()
            if asked_at is None and (self._stop.is_set() or self._is_over(now - began)):
                asked_at, self._overdue = now, not self._stop.is_set()
                self._asked = True
                _signal(process, signal.SIGTERM)
            if asked_at is not None and now - asked_at > self._limits.saving_s:
                return f"it did not save and end within {self._limits.saving_s:.0f} s"
            if now - heard > self._limits.silence_s:
                return f"it said nothing for {self._limits.silence_s:.0f} s"
            time.sleep(_POLL_S)
        return ""

    def _is_over(self, taken_s: float) -> bool:
        return self._limits.wall_s is not None and taken_s > self._limits.wall_s

    def _overdue_words(self) -> str:
        hours = (self._limits.wall_s or 0) / 3600
        return f"It was saved and stopped after {hours:g} hours, as max_hours says."


class _Progress:
    """Lines that were added to the progress file since the last look; a torn last line waits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0

    def new_lines(self) -> Iterator[Line]:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            for raw in file:
                if not raw.endswith(b"\n"):
                    return
                self._offset += len(raw)
                yield cast(Line, orjson.loads(raw))


def _environment() -> dict[str, str]:
    """What the trainer may know: where programs are, and no address, key or password."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(_ROOT),
        "PYTHONUNBUFFERED": "1",
        "CULTIVAR_TRAIN_PARENT": str(os.getpid()),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TQDM_DISABLE": "1",
    }


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return  # it has ended by itself


def _kill(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        _signal(process, signal.SIGKILL)
    process.wait()


def _ended(status: int, killed: str, folder: Path) -> Ended:
    if killed:
        return Ended(Ending.FAILED, f"The trainer was killed: {killed}.")
    if status in tuple(Ending):
        return Ended(Ending(status), _detail(folder))
    if status == -signal.SIGKILL:
        return Ended(Ending.FAILED, "The trainer was killed, probably for want of memory.")
    return Ended(Ending.FAILED, f"The trainer ended with status {status}; see {folder / LOG}.")


def _detail(folder: Path) -> str:
    path = folder / ERROR
    if not path.exists():
        return ""
    found = cast(Line, orjson.loads(path.read_bytes()))
    return str(found.get("detail", ""))
