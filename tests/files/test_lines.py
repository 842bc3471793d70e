"""Physical lines: numbers, offsets and contents, whatever the pieces."""

from hypothesis import given
from hypothesis import strategies as st

from app.files.lines import LineSplitter, PhysicalLine
from app.files.upload_limits import UploadLimits

data_of_lines = st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b"bc" * 300])).map(b"".join)


def split(data: bytes, piece: int) -> list[PhysicalLine]:
    splitter = LineSplitter(UploadLimits(max_line_bytes=5000))
    lines: list[PhysicalLine] = []
    for start in range(0, len(data), piece):
        lines += splitter.push(data[start : start + piece])
    lines += splitter.end()
    assert splitter.lines_read == len(lines)
    return lines


@given(data_of_lines, st.integers(1, 1000))
def test_lines_are_those_of_the_whole(data: bytes, piece: int) -> None:
    expected = data.split(b"\n")
    if not expected[-1]:
        expected.pop()
    lines = split(data, piece)
    assert [line.number for line in lines] == list(range(1, len(expected) + 1))
    for line, whole in zip(lines, expected, strict=True):
        bare = whole[:-1] if whole.endswith(b"\r") else whole
        assert data.startswith(whole, line.offset)
        assert line.raw == bare or (line.too_long and bare.startswith(line.raw[:5000]))
        assert line.too_long == (len(bare) > 5000)


def test_a_mark_at_the_start_is_left_out_but_counted() -> None:
    assert split(b"\xef\xbb\xbfa\nb", 2) == [PhysicalLine(1, b"a", 3), PhysicalLine(2, b"b", 5)]
