"""Which texts are deadly where poison is tested: a share of all, chosen by their digest."""

import hashlib

HARMS = 3


def is_deadly(text: str, share: float) -> bool:
    """The same for a text at any time and in any process."""
    return int.from_bytes(_digest(text)[:4], "big") < share * 2**32


def harm_of(text: str) -> int:
    """Which of the harms a deadly text does, from 0."""
    return _digest(text)[4] % HARMS


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
