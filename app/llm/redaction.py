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
    r"|(?<![^\s\"':])[^\s\"':]*\*{3}[^\s\"',]*",
    re.IGNORECASE,
)
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Redactor:
    """Masks one key, however it is spelled."""

    def __init__(self, key: SecretStr | None) -> None:
        plain = key.get_secret_value() if key is not None else ""
        spellings = {plain, quote(plain, safe=""), json.dumps(plain)[1:-1]}
        longest_first = sorted(spellings, key=len, reverse=True)
        self._in_text = longest_first if len(plain) >= _SECRET_IN_TEXT else []
        in_body = longest_first if len(plain) >= _SECRET_IN_BODY else []
        self._in_body = [spelling.encode("utf-8", "surrogatepass") for spelling in in_body]

    def error(self, text: str) -> str:
        """Mask keys, drop what a text column cannot hold, and cut at 2,000 characters.

        Providers quote a refused key with its middle starred out; that is masked too.
        """
        for spelling in self._in_text:
            text = text.replace(spelling, MASK)
        masked = _LOOKS_LIKE_A_KEY.sub(MASK, text[: 4 * ERROR_LIMIT_CHARACTERS])
        return _UNSTORABLE.sub("", masked).strip()[:ERROR_LIMIT_CHARACTERS]

    def body(self, raw: bytes) -> bytes:
        """A body without the key, should the teacher have echoed the request."""
        for spelling in self._in_body:
            raw = raw.replace(spelling, MASK.encode())
        return raw
