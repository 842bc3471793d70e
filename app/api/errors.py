"""Every kind of failure as a status and a problem report: one table, read by nobody else."""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app import errors
from app.api.problems import MEDIA_TYPE

RETRY_AFTER_S = 5

# A kind that is not named here takes the status of the nearest kind above it.
STATUSES: Mapping[type[errors.CultivarError], int] = {
    errors.CultivarError: 500,
    errors.InvalidInput: 422,
    errors.InvalidUpload: 422,
    errors.InvalidDocument: 422,
    errors.UnknownCursor: 422,
    errors.MalformedRequest: 400,
    errors.TooLarge: 413,
    errors.NotText: 415,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.InUse: 409,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.RateLimited: 429,
    errors.TeacherFailure: 422,
    errors.StoreFailure: 502,
    errors.InsufficientStorage: 507,
    errors.DatabaseFull: 503,
    errors.Unavailable: 503,
}

_HTTP_CODES = {
    400: "malformed_request",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "body_timeout",
    413: "too_large",
    414: "url_too_long",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    431: "headers_too_large",
}
_log = structlog.get_logger(__name__)


class HttpRefusal(Exception):
    """A refusal that only HTTP knows: a wrong type, range, length; `status` is its kind."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code or _HTTP_CODES[status]
        self.headers = dict(headers or {})
        self.members = dict(members or {})


def status_of(error: errors.CultivarError) -> int:
    """The status of the error's kind, or of the nearest kind above it."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def problem_response(
    request_id: str,
    status: int,
    detail: str,
    *,
    code: str,
    title: str | None = None,
    members: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem report as a response; `members` are further members of the report."""
    body = {
        "type": f"/problems/{code.replace('_', '-')}",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": request_id,
        **(members or {}),
    }
    return Response(orjson.dumps(body), status, dict(headers or {}), MEDIA_TYPE)


def request_id_of(request: Request) -> str:
    """The id that the envelope gave to this request."""
    return str(request.scope["state"]["request_id"])


def install(app: FastAPI) -> None:
    """Make the application answer every kind of failure with its problem report."""
    app.exception_handler(errors.CultivarError)(_on_cultivar_error)
    app.exception_handler(HttpRefusal)(_on_http_refusal)
    app.exception_handler(HTTPException)(_on_http_exception)
    app.exception_handler(ClientDisconnect)(_on_disconnect)


async def _on_cultivar_error(request: Request, error: errors.CultivarError) -> Response:
    status = status_of(error)
    headers: dict[str, str] = {}
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if status == 413:
        headers["Connection"] = "close"
    if isinstance(error, errors.RateLimited):
        headers["Retry-After"] = str(max(1, ceil(error.retry_after_s)))
    if status >= 500:
        _log.warning(
            "request_not_served",
            request=request_id_of(request),
            code=error.code,
            detail=error.detail,
        )
    return problem_response(
        request_id_of(request),
        status,
        error.detail,
        code=_code(error),
        title=error.title,
        members=error.extra(),
        headers=headers,
    )


def _code(error: errors.CultivarError) -> str:
    """The kind's code, or the one that all the problems share where that says more."""
    if isinstance(error, errors.InvalidInput) and error.code == errors.InvalidInput.code:
        codes = {each.code for each in error.problems}
        if len(codes) == 1:
            return codes.pop()
    return error.code


async def _on_http_refusal(request: Request, error: HttpRefusal) -> Response:
    return problem_response(
        request_id_of(request),
        error.status,
        error.detail,
        code=error.code,
        members=error.members,
        headers=error.headers,
    )


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    headers = dict(error.headers or {})
    detail = str(error.detail)
    if error.status_code == 404:
        detail = "There is nothing at this address; /docs lists every address."
    if error.status_code == 405:
        # The router names the methods of its first match alone; ours has every one of the API.
        known = request.app.state.address_book.allowed(request.url.path)
        headers["Allow"] = known or headers.get("Allow", "GET")
        detail = f"{request.method} is not possible here; possible: {headers['Allow']}."
    return problem_response(
        request_id_of(request),
        error.status_code,
        detail,
        code=_HTTP_CODES.get(error.status_code, "http_error"),
        headers=headers,
    )


async def _on_disconnect(request: Request, _: ClientDisconnect) -> Response:
    _log.info("client_went_away", request=request_id_of(request))
    return problem_response(
        request_id_of(request),
        400,
        "The request ended before its body was complete; nothing was stored.",
        code="malformed_request",
        headers={"Connection": "close"},
    )
