"""Keeps processes running: starts them again when they end, and gives up when that is no use."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.embedded.errors import EmbeddedError
from app.embedded.process import last_lines, stop

QUICK_S = 30.0  # a process that ends sooner than this has failed to start
QUICK_FAILURES = 5
LONGEST_PAUSE_S = 5.0
LOOK_EVERY_S = 0.1


@dataclass
class Charge:
    """A process to be watched over: how it is started, and how that has gone so far.

    `stays` marks a server, which outlives the others and is stopped by its owner.
    """

    name: str
    log: Path
    launch: Callable[[], subprocess.Popen[bytes]]
    stays: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at_s: float = 0.0
    failures: int = 0
    next_start_s: float = 0.0
    last_error: str = ""


class Supervisor:
    """Watches over its charges from a thread of its own, in the order they were given.

    A charge that ended `patience` times in a row soon after its start is given up.

    The thread lives until the last charge has been stopped, because children end with the thread
    that started them.
    """

    def __init__(
        self,
        charges: Sequence[Charge],
        grace_s: float = 30.0,
        *,
        patience: int = QUICK_FAILURES,
    ) -> None:
        self.grace_s = grace_s
        self.patience = patience
        self.hurry = threading.Event()
        self.failure: EmbeddedError | None = None
        self._charges = charges
        self._stopping = threading.Event()
        self._failed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begin; the charges that do not run yet are started at once."""
        self._thread.start()

    def check(self) -> None:
        """Raise the EmbeddedError of a charge that was given up."""
        if self.failure is not None:
            raise self.failure

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until a charge is given up (then raise) or the time is over."""
        self._failed.wait(timeout_s)
        self.check()

    def stop(self) -> None:
        """Ask every charge to end, give them `grace_s` (none after `hurry`), then kill."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            for charge in self._charges:
                if self.failure is None and not self._stopping.is_set():
                    self._tend(charge)
        self._stop_all()

    def _tend(self, charge: Charge) -> None:
        if charge.process is not None and charge.process.poll() is not None:
            self._note_end(charge, f"exit status {charge.process.returncode}")
        if charge.process is None and time.monotonic() >= charge.next_start_s:
            charge.started_at_s = time.monotonic()
            try:
                charge.process = charge.launch()
            except EmbeddedError as error:
                self._note_end(charge, str(error))

    def _note_end(self, charge: Charge, reason: str) -> None:
        charge.process = None
        charge.last_error = reason
        quick = time.monotonic() - charge.started_at_s < QUICK_S
        charge.failures = charge.failures + 1 if quick else 0
        pause_s = min(LONGEST_PAUSE_S, 0.1 * 2**charge.failures)
        charge.next_start_s = time.monotonic() + pause_s
        if charge.failures >= self.patience:
            self.failure = EmbeddedError(
                f"{charge.name} ended {charge.failures} times in a row ({reason}); "
                f"{charge.log} ends with\n{last_lines(charge.log)}"
            )
            self._failed.set()

    def _stop_all(self) -> None:
        running = [
            charge.process
            for charge in self._charges
            if charge.process is not None and not charge.stays
        ]
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self.grace_s
        while any(process.poll() is None for process in running):
            if self.hurry.is_set() or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        for process in running:
            stop(process, [])
