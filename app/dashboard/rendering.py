"""How a page is sent: every text escaped, under a strict policy, and failures as pages too."""

from collections.abc import Callable, Coroutine, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, StreamingResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.dashboard.errors import CrossSite, status_of
from app.dashboard.menu import MENU
from app.dashboard.numbers import dollars, duration, moment, number, size
from app.dashboard.static_files import address
from app.errors import CultivarError, NotFound

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types fragment"
)
SO_FAR = Markup("<!-- so far -->")
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


def page(template: str, status: int = 200, /, **values: object) -> HTMLResponse:
    """A whole page; it is made anew for everyone who asks."""
    body = rendered(template, **values)
    return HTMLResponse(body, status_code=status, headers={"Cache-Control": "no-store"})


def streamed(template: str, /, **values: object) -> StreamingResponse:
    """A page whose beginning is sent before its rest is worked out, parted by `{{ so_far }}`."""
    pieces = _templates().get_template(template).generate(values)
    return StreamingResponse(
        _parts(pieces), media_type="text/html", headers={"Cache-Control": "no-store"}
    )


def _parts(pieces: Iterator[str]) -> Iterator[str]:
    waiting: list[str] = []
    for piece in pieces:
        waiting.append(piece)
        if piece == SO_FAR:
            yield "".join(waiting)
            waiting.clear()
    yield "".join(waiting)


def rendered(template: str, **values: object) -> str:
    """The HTML of a template."""
    return _templates().get_template(template).render(values)


def failure_page(status: int, detail: str) -> HTMLResponse:
    """The page of a request that came no further than the gate."""
    response = page("failure.html", status, title="Refused", detail=detail)
    response.headers["Content-Security-Policy"] = POLICY
    return response


def _failure(error: Exception) -> HTMLResponse:
    title = error.title if isinstance(error, CultivarError) else "Refused"
    return page("failure.html", status_of(error), title=title, detail=str(error))


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "moment": moment,
        "dollars": dollars,
        "duration": duration,
        "tojson_text": lambda value: orjson.dumps(value).decode(),
        "size": size,
    }
    environment.globals |= {"menu": MENU, "address": address, "so_far": SO_FAR}
    return environment
