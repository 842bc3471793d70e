"""When a job warns of replies that were cut off."""

from app.domain.warnings import cut_warning


def test_warns_when_more_than_a_tenth_of_the_replies_were_cut() -> None:
    assert cut_warning(10, 100) is None
    warning = cut_warning(11, 100)
    assert warning is not None
    assert warning.code == "replies_cut"
    assert "11 of 100" in warning.detail


def test_says_nothing_of_a_handful() -> None:
    assert cut_warning(9, 9) is None
    assert cut_warning(0, 0) is None
