"""Around every request: an id, limits of its head, safe headers, and the last catch of all."""

import secrets

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import problem_response

MAX_URL_BYTES = 8 * 1024
MAX_HEADER_BYTES = 32 * 1024
MAX_HEADERS = 100
REQUEST_ID_HEADER = "X-Request-Id"
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
# The pages of /docs and /redoc start themselves with a script inside the page.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self' blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_DOCS = ("/docs", "/redoc")
# Of two, a proxy before us may have read the other one.
_ONCE = (b"host", b"authorization")
_FIXED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_log = structlog.get_logger(__name__)


class Envelope:
    """Plain ASGI middleware; everything the application answers passes through it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = f"req_{secrets.token_hex(12)}"
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def send_in_envelope(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                complete(MutableHeaders(scope=message), request_id, scope["path"])
            await send(message)

        refusal = _refusal(scope)
        if refusal is not None:
            status, code, detail = refusal
            response = problem_response(
                request_id, status, detail, code=code, headers={"Connection": "close"}
            )
            await response(scope, receive, send_in_envelope)
            return
        try:
            await self.app(scope, receive, send_in_envelope)
        except Exception:
            _log.exception("request_failed", request=request_id, method=scope["method"])
            if started:
                raise
            response = problem_response(
                request_id,
                500,
                "Something failed that should not have. Report it with the id of this request.",
                code="internal",
            )
            await response(scope, receive, send_in_envelope)


def complete(headers: MutableHeaders, request_id: str, path: str) -> None:
    """Put in what every answer carries, unless it says otherwise."""
    headers[REQUEST_ID_HEADER] = request_id
    for name, value in _FIXED_HEADERS.items():
        headers.setdefault(name, value)
    policy = DOCS_POLICY if path.startswith(_DOCS) else API_POLICY
    headers.setdefault("Content-Security-Policy", policy)
    headers.setdefault("Cache-Control", "private, no-cache" if "etag" in headers else "no-store")


def _refusal(scope: Scope) -> tuple[int, str, str] | None:
    url_bytes = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
    if url_bytes > MAX_URL_BYTES:
        return 414, "url_too_long", f"The address is longer than {MAX_URL_BYTES:,} bytes."
    headers = scope["headers"]
    if len(headers) > MAX_HEADERS:
        return 431, "headers_too_large", f"There are more than {MAX_HEADERS} header fields."
    if any(sum(name == once for name, _ in headers) > 1 for once in _ONCE):
        return 400, "malformed_request", "Host and Authorization may be given once each."
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
        detail = f"The header fields are longer than {MAX_HEADER_BYTES:,} bytes together."
        return 431, "headers_too_large", detail
    return None
