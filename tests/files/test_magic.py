"""Text is never taken for a binary format, nor UTF-8 for a wide encoding."""

import pytest

from app.files.magic import binary_kind, wide_encoding


@pytest.mark.parametrize(
    "head", [b"", b"{", b'{"a": 1}', b"PK", b"BZ", b"%PD", b"\xef\xbb\xbf{", b"\x00" * 100]
)
def test_text_and_rubbish_have_no_kind(head: bytes) -> None:
    assert binary_kind(head) is None
    assert wide_encoding(head) is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_text_without_a_mark_is_recognised(encoding: str) -> None:
    assert wide_encoding('{"instruction": "写"}'.encode(encoding)) == "UTF-16"
    assert wide_encoding('{"instruction": "写"}'.encode(encoding.replace("16", "32"))) == "UTF-32"
