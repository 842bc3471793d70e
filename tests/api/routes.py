"""Every route that an application has, found in its routers and not in a list of ours."""

import re
from collections.abc import Iterator
from typing import Any

from app.db.ids import new_id

NAMES = {"code": "not-found", "name": "self_instruct", "path": "nowhere"}


def every_route(app: Any) -> list[tuple[str, str]]:
    """Method and path of each, HEAD where it is the route's own; mounts as a GET below them."""
    return sorted(set(_routes(app.router.routes)))


def _routes(routes: list[Any]) -> Iterator[tuple[str, str]]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _routes(inner.routes)
        elif getattr(route, "methods", None):
            yield from ((method, route.path) for method in route.methods)
        else:
            yield "GET", f"{route.path}/favicon.png"


def filled(path: str) -> str:
    """A path with something for each parameter: an id of nothing, or a name that exists."""

    def value(found: re.Match[str]) -> str:
        return NAMES.get(found[1], str(new_id()))

    return re.sub(r"\{(\w+)(?::\w+)?\}", value, path)
