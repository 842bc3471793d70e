"""How a page is sent: every text escaped, under a strict policy, and failures as pages too."""

import hashlib
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.dashboard.errors import CrossSite, status_of
from app.errors import CultivarError, NotFound

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HERE = Path(__file__).parent
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route whose answers carry the policy, and whose failures are pages as well."""

    def get_route_handler(self) -> Handler:
        """The handler with both around it."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                response = await handle(request)
            except (CultivarError, CrossSite) as error:
                response = _failure(error)
            except RequestValidationError:
                response = _failure(NotFound("There is no such page."))
            response.headers["Content-Security-Policy"] = POLICY
            return response

        return handled


def page(template: str, **values: object) -> HTMLResponse:
    """A whole page; it is made anew for everyone who asks."""
    return HTMLResponse(_render(template, values), headers={"Cache-Control": "no-store"})


def fragment(request: Request, template: str, **values: object) -> Response:
    """A part of a page; 304 when the caller has just this already."""
    body = _render(template, values)
    etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(body, headers=headers)


def _failure(error: Exception) -> HTMLResponse:
    status = status_of(error)
    title = error.title if isinstance(error, CultivarError) else "Refused"
    body = _render("failure.html", {"title": title, "detail": str(error)})
    return HTMLResponse(body, status_code=status, headers={"Cache-Control": "no-store"})


def _render(template: str, values: dict[str, object]) -> str:
    return _templates().get_template(template).render(values)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["moment"] = _moment
    return environment


def _number(value: int) -> str:
    """Thousands apart by a space that does not break."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%d %b %Y, %H:%M UTC")
