"""Tests of how long a teacher asks to be left alone."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.llm.waits import LONGEST_WAIT_S, retry_after_s

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def http_date(seconds: float) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "86400"}, LONGEST_WAIT_S),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": str(int(NOW.timestamp()) + 9)}, 9.0),
        ({"retry-after": http_date(30)}, 30.0),
        ({"retry-after": http_date(-30)}, None),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"x-ratelimit-reset-requests": "12ms"}, 0.012),
        ({"x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-reset-tokens": "1.5s"}, 1.5),
        ({"x-ratelimit-reset-tokens": "1h2m3s"}, LONGEST_WAIT_S),
        ({"x-ratelimit-reset": "7"}, 7.0),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 9)}, 9.0),
        ({"x-ratelimit-reset": str((int(NOW.timestamp()) + 9) * 1000)}, 9.0),
        ({"x-ratelimit-reset-requests": "junk"}, None),
        ({"retry-after": "-1", "x-ratelimit-reset-requests": "2s"}, 2.0),
        ({"x-ratelimit-reset-requests": "2s", "x-ratelimit-reset-tokens": "5s"}, 5.0),
    ],
)
def test_what_headers_ask_for(headers: dict[str, str], seconds: float | None):
    assert retry_after_s(headers, NOW) == pytest.approx(seconds)


def test_a_date_is_held_against_the_date_of_the_reply():
    """A client whose clock is an hour ahead still waits for half a minute."""
    headers = {"retry-after": http_date(30), "date": http_date(0)}

    assert retry_after_s(headers, NOW + timedelta(hours=1)) == 30.0


def test_only_the_used_up_budget_counts():
    headers = {
        "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-tokens": "50s",
        "x-ratelimit-remaining-tokens": "9000",
    }

    assert retry_after_s(headers, NOW) == 2.0


@given(
    value=st.text() | st.floats().map(str) | st.integers().map(str),
    name=st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "date"]),
)
def test_junk_never_raises(value: str, name: str):
    wait_s = retry_after_s({name: value}, NOW)

    assert wait_s is None or 0.0 < wait_s <= LONGEST_WAIT_S
