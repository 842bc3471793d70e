"""Judgements of pairs: how replies are read, and what both orders together say."""

import pytest

from app.domain.preferences import Judged, Pair, Preference, compared, judge_prompt, read_preference

A, B, TIE = Preference.A, Preference.B, Preference.TIE


def judged(forward: Preference | None, backward: Preference | None, **more: str) -> Judged:
    pair = Pair("1", "Name a bird.", more.get("first", "wren"), more.get("second", "a wren"))
    return Judged(pair, forward, backward)


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("Better: A", A),
        ("Better: B", B),
        ("**Better:** tie.", TIE),
        ("better: answer b", B),
        ("At first better: A, but in the end.\nBetter: B", B),
        ("I cannot say.", None),
        ("Better: Allegro", None),
        ("", None),
    ],
)
def test_what_a_reply_says(reply: str, found: Preference | None) -> None:
    assert read_preference(reply) is found


def test_both_answers_are_shown_and_then_swapped() -> None:
    pair = Pair("1", "Name a bird.", "{{second}} wren", "an owl")
    forward, backward = (judge_prompt(pair, swapped=each).text for each in (False, True))
    assert forward.index("{{second}} wren") < forward.index("an owl")
    assert backward.index("an owl") < backward.index("{{second}} wren")
    assert "Name a bird." in forward


def test_only_what_both_orders_say_is_a_win() -> None:
    found = compared(
        [
            judged(B, A),  # the second model, wherever it stood
            judged(B, A),
            judged(A, B),
            judged(A, A),  # whoever stood first
            judged(TIE, A),
            judged(None, A),
        ]
    )
    assert found is not None
    assert (found.n, found.wins, found.losses, found.ties, found.unread) == (5, 2, 1, 2, 1)
    assert found.win_rate == pytest.approx((2 + 2 * 0.5) / 5)
    assert found.low < found.win_rate < found.high
    assert found.one_sided == pytest.approx(1 / 5)
    assert found.first_place == pytest.approx(6 / 9)
    assert found.longer_wins == pytest.approx(2 / 3)


def test_nothing_that_can_be_read_is_no_comparison() -> None:
    assert compared([judged(None, None)]) is None
