"""Which scope each address asks for: rules by prefix, of which the longest that fits holds."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.access import Scope

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Rule:
    """What lies below a prefix, or (`exact`) only there.

    `read` and `write` None: any key will do; `free`: without a key.
    """

    prefix: str
    read: Scope | None = None
    write: Scope | None = None
    free: bool = False
    exact: bool = False

    def fits(self, path: str) -> bool:
        """Whether a path is the prefix or lies below it."""
        return path == self.prefix or (not self.exact and path.startswith(self.prefix + "/"))

    def scope(self, method: str) -> Scope | None:
        """The scope that a method needs here."""
        return self.read if is_safe(method) else self.write


# Of an address that no rule names: nobody but an administrator may touch what was forgotten.
FORGOTTEN = Rule("", Scope.ADMIN, Scope.ADMIN)


class Rules:
    """All rules of a web process."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = sorted(rules, key=lambda each: -len(each.prefix))

    def of(self, path: str) -> Rule:
        """The rule for a path; FORGOTTEN where there is none."""
        return next((each for each in self._rules if each.fits(path)), FORGOTTEN)


def is_safe(method: str) -> bool:
    """Whether a method changes nothing (RFC 9110 section 9.2.1)."""
    return method in _SAFE
