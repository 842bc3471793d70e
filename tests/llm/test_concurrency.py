"""Tests of the window that a teacher's overload halves."""

from app.llm.concurrency import Window


def test_it_starts_at_the_maximum_and_stays_below_it():
    window = Window(10)
    for _ in range(100):
        window.succeeded()

    assert window.size == 10


def test_a_burst_of_refusals_halves_it_once():
    window = Window(100)
    for _ in range(80):
        window.overloaded(sent_at_s=1.0, now_s=2.0)

    assert window.size == 50
    window.overloaded(sent_at_s=2.5, now_s=3.0)
    assert window.size == 25


def test_it_grows_by_one_per_window_of_successes():
    window = Window(100)
    window.overloaded(sent_at_s=1.0, now_s=2.0)
    for _ in range(51):
        window.succeeded()

    assert window.size == 51


def test_it_never_falls_below_one():
    window = Window(3)
    for second in range(10):
        window.overloaded(sent_at_s=float(second), now_s=float(second))

    assert window.size == 1


def test_a_changed_maximum_is_taken_over():
    window = Window(10)
    window.bound(40)
    assert window.size == 40
    window.bound(5)
    assert window.size == 5
    window.overloaded(sent_at_s=1.0, now_s=2.0)
    window.bound(50)
    assert window.size == 2
