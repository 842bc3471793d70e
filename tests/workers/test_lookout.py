"""The lookout does what waits at two looks in a row, whatever happened at the look before."""

import threading
from collections.abc import Iterator
from uuid import UUID

import pytest

from app.errors import Unavailable
from workers.lookout import Lookout

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


@pytest.fixture
def stopping() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def looks(stopping: threading.Event, *found: set[UUID] | Exception) -> list[UUID]:
    """What is done when a lookout finds these, one look after the other."""
    left, done = list(found), list[UUID]()

    def waiting() -> set[UUID]:
        if not left:
            stopping.set()
            return set()
        now = left.pop(0)
        if isinstance(now, Exception):
            raise now
        return now

    def work(row_id: UUID) -> None:
        done.append(row_id)
        if row_id == TWO:
            raise ValueError("nothing that anybody foresaw")

    Lookout("test", waiting, work, 0.001, stopping).start()
    assert stopping.wait(30)
    return done


def test_what_waits_twice_is_done_and_what_a_message_was_quicker_for_is_not(
    stopping: threading.Event,
) -> None:
    assert looks(stopping, {ONE}, {THREE}, {ONE, THREE}, set()) == [THREE]


def test_neither_failed_work_nor_an_absent_postgres_ends_it(stopping: threading.Event) -> None:
    away = Unavailable("The database does not answer at present; try again shortly.")
    assert looks(stopping, {TWO}, {TWO}, away, {TWO, ONE}, {ONE}) == [TWO, TWO, ONE]
