"""What Ctrl-C and its relatives do to a process that has children to stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_like_interrupt() -> Iterator[None]:
    """Inside the block SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handling((*ENDING, signal.SIGINT), interrupt):
        yield


@contextmanager
def calling_on_signal(action: Callable[[], None]) -> Iterator[None]:
    """Inside the block a signal to end calls `action` and nothing else, so cleaning up goes on."""

    def call(number: int, frame: FrameType | None) -> None:
        action()

    with _handling((*ENDING, signal.SIGINT), call):
        yield


@contextmanager
def _handling(
    numbers: tuple[signal.Signals, ...], handler: Callable[[int, FrameType | None], None]
) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may, and only it is interrupted
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
