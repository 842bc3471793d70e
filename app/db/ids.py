"""Identifiers: UUID version 7, so that keys made later sort later."""

import secrets
import threading
import time
from uuid import UUID

NO_TEACHER = UUID(int=0)
"""Stands for the teacher of jobs that make no calls, where a key is wanted."""

_lock = threading.Lock()
_last = [0, 0]


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562), monotonic within this process: 48 bits of ms, 12 of a counter."""
    with _lock:
        now_ms = max(time.time_ns() // 1_000_000, _last[0])
        counter = _last[1] + 1 if now_ms == _last[0] else 0
        if counter > 0xFFF:
            now_ms, counter = now_ms + 1, 0
        _last[:] = [now_ms, counter]
    value = (now_ms << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | secrets.randbits(62)
    return UUID(int=value)
