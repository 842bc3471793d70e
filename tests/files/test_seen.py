"""The table of digests against a dictionary."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from app.files.seen import SeenDigests


def digest(number: int) -> bytes:
    return hashlib.blake2b(str(number).encode(), digest_size=16).digest()


def test_many_digests_are_each_found_again_with_their_line() -> None:
    seen = SeenDigests()
    for number in range(20_000):
        assert seen.first_line(digest(number), number + 1) is None
    for number in range(20_000):
        assert seen.first_line(digest(number), 99_999) == number + 1
    assert seen.first_line(digest(20_000), 7) is None


@given(st.lists(st.binary(min_size=8, max_size=8).map(lambda each: each[:1] * 4 + each[4:])))
def test_colliding_digests_are_told_apart(digests: list[bytes]) -> None:
    seen, expected = SeenDigests(), dict[bytes, int]()
    for line, each in enumerate(digests, 1):
        assert seen.first_line(each, line) == expected.get(each)
        expected.setdefault(each, line)
