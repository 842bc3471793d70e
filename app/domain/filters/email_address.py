"""Drops a row with an e-mail address in it that may be somebody's."""

import re
from dataclasses import dataclass

from app.domain.filter import parts
from app.domain.options import option
from app.domain.records import Instance

_ADDRESS = re.compile(
    r"(?<![\w.%+-])[A-Za-z0-9][\w.%+-]{0,63}@((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})(?!\w)",
    re.ASCII,
)
_NOBODYS_ENDS = (".example", ".test", ".invalid", ".localhost")
_NOBODYS = frozenset({"example.com", "example.org", "example.net"})


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """Personal data by pattern, as BigCode's and Dolma's redaction (arXiv:2402.00159) find it.

    The domains that RFC 2606 sets aside for examples are nobody's.
    """

    allowed_domains: tuple[str, ...] = option(
        (), "further domains whose addresses do no harm, such as your own"
    )

    def reason(self, instruction: str, instance: Instance) -> str | None:
        texts = parts(instruction, instance)
        return "email_address" if any("@" in each and self._found(each) for each in texts) else None

    def _found(self, text: str) -> bool:
        return any(not self._is_nobodys(each[1].lower()) for each in _ADDRESS.finditer(text))

    def _is_nobodys(self, domain: str) -> bool:
        allowed = {each.lower().lstrip("@") for each in self.allowed_domains}
        known = any(domain == each or domain.endswith(f".{each}") for each in _NOBODYS | allowed)
        return known or domain.endswith(_NOBODYS_ENDS)
