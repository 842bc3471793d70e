"""Which row contents a file has held so far, in 40 bytes a row at most once it is large."""

from array import array

_DIGEST_BYTES = 16
_FIRST_SLOTS = 1024


class SeenDigests:
    """16-byte digests with the line that each first stood on; an open-addressed table.

    A dictionary of a million digests takes near 200 MB; this takes 40 MB and grows in doublings.
    """

    def __init__(self) -> None:
        self._resize(_FIRST_SLOTS)
        self._count = 0

    def first_line(self, digest: bytes, line: int) -> int | None:
        """The line (from 1) that first had this digest, or None, and then it is `line`."""
        slot = self._slot(digest)
        if self._lines[slot]:
            return self._lines[slot]
        self._put(slot, digest, line)
        self._count += 1
        if self._count * 3 > (self._mask + 1) * 2:
            self._grow()
        return None

    def _slot(self, digest: bytes) -> int:
        """Where the digest stands, or the empty slot where it belongs."""
        slot = int.from_bytes(digest[:8], "little") & self._mask
        while self._lines[slot]:
            start = slot * _DIGEST_BYTES
            if self._digests[start : start + _DIGEST_BYTES] == digest:
                return slot
            slot = (slot + 1) & self._mask
        return slot

    def _put(self, slot: int, digest: bytes, line: int) -> None:
        start = slot * _DIGEST_BYTES
        self._digests[start : start + _DIGEST_BYTES] = digest
        self._lines[slot] = line

    def _grow(self) -> None:
        digests, lines = self._digests, self._lines
        self._resize(2 * (self._mask + 1))
        for slot, line in enumerate(lines):
            if line:
                digest = bytes(digests[slot * _DIGEST_BYTES : (slot + 1) * _DIGEST_BYTES])
                self._put(self._slot(digest), digest, line)

    def _resize(self, slots: int) -> None:
        self._mask = slots - 1
        self._digests = bytearray(slots * _DIGEST_BYTES)
        self._lines = array("Q", bytes(slots * 8))
