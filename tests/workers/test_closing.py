"""A worker process that is asked to end waits for what its lookouts are at."""

import threading
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from app.wakeups import EXPORT
from workers import process as module

NOBODY_LISTENS = "postgresql+psycopg://nobody@127.0.0.1:1/none"
ONE = UUID(int=1)


def export_that_waits(begun: threading.Event, may_end: threading.Event) -> Callable[..., None]:
    def make(*_: object) -> None:
        begun.set()
        assert may_end.wait(30)

    return make


def test_what_a_lookout_is_at_ends_before_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()
    monkeypatch.setenv("CULTIVAR_DATABASE_URL", NOBODY_LISTENS)
    monkeypatch.setenv("CULTIVAR_HOME", str(tmp_path))
    monkeypatch.setenv("CULTIVAR_SWEEP_S", "1")
    monkeypatch.setattr(module, "exports_due", lambda _: {ONE})
    monkeypatch.setattr(module, "make", export_that_waits(begun, may_end))
    process = module.Process()
    process.start_looking([EXPORT])
    assert begun.wait(30)
    closing = threading.Thread(target=process.close)
    closing.start()
    closing.join(0.3)
    assert closing.is_alive()
    may_end.set()
    closing.join(30)
    assert not closing.is_alive()
