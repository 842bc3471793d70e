"""Accept headers."""

import pytest

from app.api.media_types import JSON_TYPES, accepts


@pytest.mark.parametrize(
    ("accept", "fits"),
    [
        ("*/*", True),
        ("", True),
        ("application/json", True),
        ("Application/*;q=0.5", True),
        ("text/html, application/xhtml+xml, */*;q=0.8", True),
        ("application/problem+json", True),
        ("text/html", False),
        ("application/json;q=0", False),
        ("application/json; q=0.0", False),
        ("application/json;q=0.01", True),
        ("garbage", False),
    ],
)
def test_accepts(accept: str, fits: bool) -> None:
    assert accepts(accept, JSON_TYPES) is fits
