"""Which texts are deadly where poison is tested: a share of all, chosen by their digest."""

import hashlib


def is_deadly(text: str, share: float) -> bool:
    """The same for a text at any time and in any process."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") < share * 2**32
