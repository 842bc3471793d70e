"""The gate that every request passes before a handler sees it: from where, by whom, allowed what.

In this order: how it reached us (403), for which host (421), sent by which site (403), by whom
(401), how often (429), and with which scope (403). Nothing of the body is read before that.
"""

from collections.abc import Callable
from math import ceil

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.desk import COST_OF_CHANGE, Desk
from app.api.errors import RETRY_AFTER_S, problem_response, status_of
from app.api.origin import foreign, host_name, is_our_host
from app.domain.access import NOBODY, Access, Actor, allows
from app.domain.gatekeeping import Rules, is_safe
from app.domain.posture import is_loopback
from app.errors import CultivarError, Forbidden, RateLimited, Unauthenticated
from app.rates import Limit, Taken
from app.runtime import Runtime
from app.use_cases.cookies import cookie_name
from app.use_cases.keyring import Presented

LOGIN = "/dashboard/login"
_PAGES = "/dashboard"
_NO_KEY = "Send a key: Authorization: Bearer KEY. On this machine that is the token in HOME/token."
FailurePage = Callable[[int, str], Response]


class _Refused(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.headers: dict[str, str] = {}


class Gate:
    """Plain ASGI middleware; `failure_page` is how the dashboard says no to people."""

    def __init__(self, app: ASGIApp, rules: Rules, failure_page: FailurePage) -> None:
        self.app = app
        self._rules = rules
        self._failure_page = failure_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            rate = await self._admit(request)
        except _Refused as refusal:
            await self._refuse(request, refusal)(scope, receive, send)
            return
        except CultivarError as error:
            await self._refuse(request, _from_error(error))(scope, receive, send)
            return
        await self.app(scope, receive, send if rate is None else _telling(send, *rate))

    async def _admit(self, request: Request) -> tuple[Limit, Taken] | None:
        """Let it in, with the actor in its state; raises _Refused or a kind of failure."""
        runtime: Runtime = request.app.state.runtime
        presented = presented_by(request)
        _check_way(request, runtime)
        _check_origin(request, runtime, presented)
        rule = self._rules.of(request.scope["path"])
        address = request.client.host if request.client else ""
        if rule.free:
            request.scope["state"]["actor"] = Actor(NOBODY.kind, address=address)
            return None
        desk = desk_of(request)
        actor = await desk.identify(presented, address)
        if actor is None:
            raise Unauthenticated(_NO_KEY)
        actor = actor.at(address)
        request.scope["state"]["actor"] = actor
        rate = await desk.take(actor, 1 if is_safe(request.method) else COST_OF_CHANGE)
        if rate is not None and not rate[1].granted:
            raise _too_often(*rate)
        wanted = rule.scope(request.method)
        if wanted is not None and not allows(actor.scopes, wanted):
            await desk.denied(actor, request.method, request.scope["path"], wanted)
            raise Forbidden(f"This needs a key with the scope {wanted}.")
        return rate

    def _refuse(self, request: Request, refusal: _Refused) -> Response:
        path: str = request.scope["path"]
        if path == "/" or path == _PAGES or path.startswith(_PAGES + "/"):
            if refusal.status == 401 and _looks_at_a_page(request):
                return RedirectResponse(LOGIN, status_code=303)
            response = self._failure_page(refusal.status, refusal.detail)
            response.headers.update(refusal.headers)
            return response
        return problem_response(
            str(request.scope["state"]["request_id"]),
            refusal.status,
            refusal.detail,
            code=refusal.code,
            headers=refusal.headers,
        )


def desk_of(request: Request) -> Desk:
    """The desk of this process, opened with the first request."""
    state = request.app.state
    if state.desk is None:
        state.desk = Desk(state.runtime)
    return state.desk


def presented_by(request: Request) -> Presented:
    """What a request brings: a key in its header, which comes first, or a session in its cookie."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return Presented(secret=value.strip())
    session = request.cookies.get(cookie_name(request.url.scheme, request.headers.get("host", "")))
    return Presented(session=session)


def _check_way(request: Request, runtime: Runtime) -> None:
    server = request.scope.get("server")
    # A Unix socket has no port, and what its file lets in is this machine's.
    if server is None or server[1] is None or is_loopback(server[0]):
        return
    settings = runtime.settings
    safe = request.url.scheme == "https" or settings.behind_tls_proxy
    if settings.access != Access.DEPLOYED or not safe:
        detail = (
            "This address can be reached by others. Start with CULTIVAR_ACCESS=deployed and TLS, "
            "or CULTIVAR_BEHIND_TLS_PROXY=true, or listen on 127.0.0.1."
        )
        raise _Refused(403, "insecure_address", detail)


def _check_origin(request: Request, runtime: Runtime, presented: Presented) -> None:
    given = (each.strip().lower() for each in runtime.settings.hosts.split(","))
    hosts = frozenset(each for each in given if each)
    if not is_our_host(request.headers, hosts):
        name = host_name(request.headers.get("host", ""))[:80] or "a request without a name"
        detail = f"This service does not answer for {name}; CULTIVAR_HOSTS lists its names."
        raise _Refused(421, "misdirected_request", detail)
    by_cookie = presented.secret is None and presented.session is not None
    reason = foreign(request.method, request.headers, by_cookie=by_cookie)
    if reason is not None:
        raise _Refused(403, "cross_site", reason)


def _looks_at_a_page(request: Request) -> bool:
    """Whether a person would see the answer; a script must not be led to a login page."""
    return is_safe(request.method) and request.headers.get("sec-fetch-dest") in {None, "document"}


def _from_error(error: CultivarError) -> _Refused:
    refused = _Refused(status_of(error), error.code, error.detail)
    if isinstance(error, Unauthenticated):
        refused.headers["WWW-Authenticate"] = "Bearer"
    elif isinstance(error, RateLimited):
        refused.headers["Retry-After"] = str(max(1, ceil(error.retry_after_s)))
    elif refused.status == 503:
        refused.headers["Retry-After"] = str(RETRY_AFTER_S)
    return refused


def _too_often(limit: Limit, taken: Taken) -> _Refused:
    detail = f"This key may make {limit.size:,} requests a minute, counted {COST_OF_CHANGE}-fold "
    refused = _Refused(429, "rate_limited", f"{detail}where they change something; wait.")
    refused.headers |= {**_fields(limit, taken), "Retry-After": str(max(1, ceil(taken.wait_s)))}
    return refused


def _fields(limit: Limit, taken: Taken) -> dict[str, str]:
    """The fields of draft-ietf-httpapi-ratelimit-headers: the policy, what is left of it, until."""
    full_in_s = ceil((limit.size - taken.left) / limit.per_s)
    return {
        "RateLimit-Policy": f'"key";q={limit.size};w={int(limit.window_s)}',
        "RateLimit": f'"key";r={int(taken.left)};t={full_in_s}',
    }


def _telling(send: Send, limit: Limit, taken: Taken) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(_fields(limit, taken))
        await send(message)

    return told
