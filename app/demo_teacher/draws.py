"""Seeded draws: the same seed and the same text always give the same random numbers."""

from hashlib import blake2b
from random import Random

DIGEST_BYTES = 16
"""Length of a prompt digest."""


def prompt_digest(text: str) -> bytes:
    """The digest that a prompt is known by: 16 bytes, whatever the seed."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()


def seeded_number(seed: int, purpose: str, digest: bytes, position: int = 0) -> int:
    """A 64-bit number that depends on nothing but its arguments."""
    salt = f"{seed}/{purpose}/{position}/".encode()
    return int.from_bytes(blake2b(salt + digest, digest_size=8).digest(), "big")


def unit(seed: int, purpose: str, digest: bytes, position: int = 0) -> float:
    """A number in [0, 1) that depends on nothing but its arguments."""
    return seeded_number(seed, purpose, digest, position) / 2**64


def seeded_random(seed: int, purpose: str, digest: bytes, position: int = 0) -> Random:
    """A generator of its own for one purpose and one prompt."""
    return Random(seeded_number(seed, purpose, digest, position))
