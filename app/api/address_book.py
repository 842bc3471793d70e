"""Which methods each address allows, read from the API's own description, for the Allow header."""

import re
from typing import Any

from starlette.routing import compile_path

_METHODS = ("get", "post", "put", "patch", "delete")


class AddressBook:
    """Addresses of an OpenAPI description; asking is rare, so a scan of some forty is enough."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._methods: list[tuple[re.Pattern[str], frozenset[str]]] = []
        for path, operations in description["paths"].items():
            pattern, _, _ = compile_path(path)
            methods = frozenset(name.upper() for name in operations if name in _METHODS)
            self._methods.append((pattern, methods))

    def allowed(self, path: str) -> str:
        """The methods of an address as an Allow header lists them; nothing for one unknown."""
        found: set[str] = set()
        for pattern, methods in self._methods:
            if pattern.match(path):
                found |= methods
        return ", ".join(sorted(found))
