"""Forms with a file: read the same however they arrive in pieces, refused where they are none."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dashboard.multipart import boundary_of, read_parts
from app.errors import MalformedRequest

BOUNDARY = b"--leaf"
DATA = b"one\r\n--lea\r\n\r\n--leaf\n\x00two\r\n"


def form(*parts: tuple[str, bytes]) -> bytes:
    """A whole form."""
    heads = [
        b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n"
        % (BOUNDARY, name.encode(), data)
        for name, data in parts
    ]
    return b"".join(heads) + b"--%s--\r\n" % BOUNDARY


def cut(whole: bytes, size: int) -> Iterator[bytes]:
    """The same in pieces."""
    return (whole[at : at + size] for at in range(0, len(whole), size))


def read(whole: bytes, size: int = 7) -> list[tuple[str, str | None, bytes]]:
    """Every part, with all of its data."""
    parts = read_parts(cut(whole, size), BOUNDARY)
    return [(each.name, each.file_name, b"".join(each.data)) for each in parts]


WHOLE = form(('name="a"', b""), ('name="file"; filename="x \\y.jsonl"', DATA), ('name="b"', b"2"))


@given(st.integers(1, len(WHOLE)))
def test_any_pieces_make_the_same_form(size: int) -> None:
    assert read(WHOLE, size) == [
        ("a", None, b""),
        ("file", "x \\y.jsonl", DATA),
        ("b", None, b"2"),
    ]


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_data_comes_through(data: bytes, size: int) -> None:
    if b"\r\n--" + BOUNDARY in b"\r\n" + data + b"\r\n":
        return
    assert read(form(('name="file"; filename="f"', data)), size) == [("file", "f", data)]


def test_what_is_not_read_is_skipped() -> None:
    assert [each.name for each in read_parts(cut(WHOLE, 5), BOUNDARY)] == ["a", "file", "b"]


@pytest.mark.parametrize(
    "whole",
    [b"", b"nothing", WHOLE[:-30], b"--%s\r\nContent-Disposition: form-data\r\n\r\n" % BOUNDARY],
)
def test_what_is_no_form_is_refused(whole: bytes) -> None:
    with pytest.raises(MalformedRequest):
        read(whole)


def test_a_head_without_end_is_not_read_for_ever() -> None:
    with pytest.raises(MalformedRequest):
        read(b"--%s\r\n" % BOUNDARY + b"x" * 100_000, 4096)


def test_the_boundary() -> None:
    assert boundary_of("multipart/form-data; boundary=leaf") == b"leaf"
    assert boundary_of('Multipart/Form-Data; charset=x; boundary="le af"'.replace(" af", "af"))
    for other in (
        "",
        "text/plain; boundary=x",
        "multipart/form-data",
        "multipart/mixed; boundary=x",
    ):
        with pytest.raises(MalformedRequest):
            boundary_of(other)
