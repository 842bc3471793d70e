"""What the first bytes of a file say it is, when it is not text."""

HEAD_BYTES = 512
"""How many bytes `binary_kind` needs to see; the tar mark lies at byte 257."""

_MARKS: tuple[tuple[bytes, int, str], ...] = (
    (b"\x1f\x8b", 0, "gzip"),
    (b"PK\x03\x04", 0, "zip"),
    (b"PK\x05\x06", 0, "zip"),
    (b"ustar", 257, "tar"),
    (b"PAR1", 0, "Parquet"),
    (b"%PDF-", 0, "PDF"),
    (b"\x89PNG\r\n\x1a\n", 0, "PNG image"),
    (b"\xff\xd8\xff", 0, "JPEG image"),
    (b"GIF87a", 0, "GIF image"),
    (b"GIF89a", 0, "GIF image"),
    (b"\x28\xb5\x2f\xfd", 0, "Zstandard"),
    (b"\xfd7zXZ\x00", 0, "xz"),
    (b"BZh", 0, "bzip2"),
    (b"7z\xbc\xaf\x27\x1c", 0, "7-Zip"),
    (b"Rar!\x1a\x07", 0, "RAR"),
    (b"\x04\x22\x4d\x18", 0, "LZ4"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, "old Office"),
    (b"SQLite format 3\x00", 0, "SQLite"),
    (b"ARROW1\x00\x00", 0, "Arrow"),
    (b"Obj\x01", 0, "Avro"),
    (b"\x93NUMPY", 0, "NumPy"),
    (b"\x7fELF", 0, "ELF"),
)

_OFFICE_PARTS = ((b"xl/", "Excel (xlsx)"), (b"word/", "Word (docx)"))


def binary_kind(head: bytes) -> str | None:
    """The name of the binary format that starts like `head` (the first `HEAD_BYTES`), if any."""
    for mark, position, kind in _MARKS:
        if head.startswith(mark, position):
            return _zip_kind(head) if kind == "zip" else kind
    return None


def wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32 when `head` starts with its mark, or like ASCII padded with NULs."""
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "UTF-32"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    start = head[: min(len(head), 16) // 4 * 4]
    for width, name in ((4, "UTF-32"), (2, "UTF-16")):
        letters = len(start) // width
        for place in (0, width - 1):
            padded = start.count(0) == len(start) - letters
            if letters and padded and b"\0" not in start[place::width]:
                return name
    return None


def _zip_kind(head: bytes) -> str:
    for part, kind in _OFFICE_PARTS:
        if part in head:
            return kind
    return "Excel or Word" if b"[Content_Types].xml" in head else "zip"
