"""Equality after normalisation, for the exact-duplicate rule that comes before ROUGE-L."""

import hashlib
import unicodedata

HASH_BYTES = 16


def normal_text(text: str) -> str:
    """NFKC, case folded, white space runs as one space, none at the ends."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def normal_hash(text: str) -> bytes:
    """16 bytes that are equal for texts that are equal after normalisation."""
    return hashlib.sha256(normal_text(text).encode("utf-8", "surrogatepass")).digest()[:HASH_BYTES]
