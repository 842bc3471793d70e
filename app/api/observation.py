"""Around all else: each request is counted, timed and traced, by the pattern of its address."""

from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import traces
from app.api.metrics import MetricsBoard


class Observation:
    """Plain ASGI middleware."""

    def __init__(self, app: ASGIApp, board: MetricsBoard) -> None:
        self.app = app
        self._board = board

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started_s = monotonic()
        status = 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with traces.server_span("http_request", method=scope["method"]) as span:
            try:
                await self.app(scope, receive, observed)
            finally:
                route = self._board.answered(scope, status, monotonic() - started_s)
                request_id = scope.get("state", {}).get("request_id", "")
                span.set(route=route, status=status, request=request_id)
