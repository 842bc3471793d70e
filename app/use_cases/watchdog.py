"""Ends a process that reads one batch of replies for ever, so that the reply at fault is found.

The timer is the interpreter's own (`faulthandler`), which fires even while a regular expression or
other native code keeps every thread of ours from running. Whoever reads the replies of the dead
worker next reads them alone, and the third that is lost with a reply leaves it behind.
"""

import faulthandler
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

_deadlines_s: dict[int, float] = {}
_lock = threading.Lock()


@contextmanager
def at_most(seconds: float) -> Generator[None]:
    """The block ends within so many seconds, or the process does, with status 1."""
    with _lock:
        _deadlines_s[threading.get_ident()] = time.monotonic() + seconds
        _arm()
    try:
        yield
    finally:
        with _lock:
            del _deadlines_s[threading.get_ident()]
            _arm()


def _arm() -> None:
    """One timer for all threads: it is set to the next of their deadlines."""
    if not _deadlines_s:
        faulthandler.cancel_dump_traceback_later()
        return
    left_s = min(_deadlines_s.values()) - time.monotonic()
    faulthandler.dump_traceback_later(max(0.001, left_s), exit=True)
