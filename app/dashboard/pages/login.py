"""The way in for people: by the printed address, once, or with a key; and the way out."""

from typing import Annotated, Protocol

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import from_our_pages, page_router
from app.dashboard.forms import SentForm
from app.dashboard.rendering import page
from app.domain.access import Access
from app.domain.posture import is_loopback
from app.errors import RateLimited, Unauthenticated
from app.use_cases.cookies import cookie_lives_s, cookie_name

_START = "/dashboard/jobs"
_USED = "This address has let somebody in already, or is too old: each one works once."

router = page_router()


class Desk(Protocol):
    """Who opens sessions and ends them."""

    async def log_in(self, secret: str, address: str) -> str: ...
    async def redeem(self, ticket: str, address: str) -> str | None: ...
    async def log_out(self, session: str) -> None: ...


async def _desk(request: Request) -> Desk:
    return request.app.state.desk_of(request)


DeskOfApp = Annotated[Desk, Depends(_desk)]


@router.get("/dashboard/login")
async def login_form(request: Request, desk: DeskOfApp, ticket: str | None = None) -> Response:
    """The form; or straight in with the ticket of a printed address."""
    if ticket is None:
        return _form(request)
    session = await desk.redeem(ticket, _address(request))
    if session is not None:
        return _let_in(request, session)
    if _name(request) in request.cookies:  # the address was opened again in the same browser
        return RedirectResponse(_START, status_code=303)
    return _form(request, _USED, 401)


@router.post("/dashboard/login", dependencies=from_our_pages)
async def log_in(request: Request, desk: DeskOfApp, form: SentForm) -> Response:
    """In with a key."""
    try:
        return _let_in(request, await desk.log_in(form.text("key"), _address(request)))
    except Unauthenticated as error:
        return _form(request, error.detail, 401)
    except RateLimited as error:
        response = _form(request, error.detail, 429)
        response.headers["Retry-After"] = str(int(error.retry_after_s) + 1)
        return response


@router.post("/dashboard/logout", dependencies=from_our_pages)
async def log_out(request: Request, desk: DeskOfApp) -> Response:
    """Out: the session is worth nothing any more."""
    session = request.cookies.get(_name(request))
    if session is not None:
        await desk.log_out(session)
    response = RedirectResponse("/dashboard/login", status_code=303)
    response.delete_cookie(_name(request), secure=_is_secure(request), httponly=True)
    return response


def _form(request: Request, problem: str = "", status: int = 200) -> Response:
    local = request.app.state.runtime.settings.access == Access.LOCAL
    return page("login.html", status, problem=problem, local=local)


def _let_in(request: Request, session: str) -> Response:
    response = RedirectResponse(_START, status_code=303)
    response.set_cookie(
        _name(request),
        session,
        max_age=cookie_lives_s(request.app.state.runtime.settings),
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )
    return response


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _name(request: Request) -> str:
    return cookie_name(request.url.scheme, request.headers.get("host", ""))


def _is_secure(request: Request) -> bool:
    """Over TLS, and also where the proxy that ends it does not say so."""
    return request.url.scheme == "https" or not is_loopback(request.url.hostname or "")
