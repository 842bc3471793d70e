"""Keep keys out of everything that a person, a log or a table will see."""

import json
import re
from urllib.parse import quote

from pydantic import SecretStr

ERROR_LIMIT_CHARACTERS = 2_000
MASK = "[key]"

# Below these lengths a key is a dummy such as "none", and masking it would spoil common words.
_SECRET_IN_TEXT = 6
_SECRET_IN_BODY = 16

_LOOKS_LIKE_A_KEY = re.compile(
    r"\bsk-[A-Za-z0-9_*.\-]{4,}"
    r"|(?<=bearer )[^\s\"',;]{6,}"
    r"|[^\s\"':]*\*{3,}[^\s\"',]*",
    re.IGNORECASE,
)
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def readable_error(text: str, key: SecretStr | None) -> str:
    """Mask keys, drop what a text column cannot hold, and cut at 2,000 characters.

    Providers quote a refused key with its middle starred out; that is masked too.
    """
    for spelling in _spellings(key, _SECRET_IN_TEXT):
        text = text.replace(spelling, MASK)
    masked = _LOOKS_LIKE_A_KEY.sub(MASK, text[: 4 * ERROR_LIMIT_CHARACTERS])
    return _UNSTORABLE.sub("", masked).strip()[:ERROR_LIMIT_CHARACTERS]


def without_key(raw: bytes, key: SecretStr | None) -> bytes:
    """A body without the key, should the teacher have echoed the request."""
    for spelling in _spellings(key, _SECRET_IN_BODY):
        raw = raw.replace(spelling.encode("utf-8", "surrogatepass"), MASK.encode())
    return raw


def _spellings(key: SecretStr | None, shortest: int) -> list[str]:
    plain = key.get_secret_value() if key is not None else ""
    if len(plain) < shortest:
        return []
    return sorted({plain, quote(plain, safe=""), json.dumps(plain)[1:-1]}, key=len, reverse=True)
