"""HTTP as uvicorn reads it, but no head of a request without end, in length or in time.

Parsers of HTTP collect a header for as long as one comes, in memory, before anybody is asked who
sends it; and a connection on which nothing is asked is kept for ever. What `Envelope` refuses are
heads that have come to their end; this is for those that do not.
"""

import asyncio
import secrets
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.api.envelope import MAX_HEADER_BYTES, MAX_URL_BYTES, complete
from app.api.errors import problem_response

# More than any head that `Envelope` lets pass, with what stands between its fields.
MAX_UNREAD_BYTES = 2 * (MAX_HEADER_BYTES + MAX_URL_BYTES)
HEAD_S = 20.0


class LimitedHead(HttpToolsProtocol):
    """The server's protocol; `head_s` is how long a head, or the rest of a refused body, may take.

    The same limit of bytes holds for what surrounds a body in chunks: extensions and trailers.
    """

    head_s = HEAD_S
    _unread_bytes = 0  # that came since the parser last gave us something
    _in_body = False
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a head, but not for ever."""
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._end_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless it leads nowhere."""
        if self.transport.is_closing():
            return
        self._unread_bytes += len(data)
        super().data_received(data)
        if self._unread_bytes > MAX_UNREAD_BYTES:
            self._refuse(431, "headers_too_large", "The header fields have no end in sight.")
        elif self._deadline is None and not self._in_body and not self._is_answering():
            self._set_deadline()

    def on_headers_complete(self) -> None:
        """The head is here."""
        self._unread_bytes, self._in_body = 0, True
        self._end_deadline()
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; trailers come after it was judged, and are dropped."""
        if not self._in_body:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Some of the body is here."""
        self._unread_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of the body is here, and a next head may come."""
        self._unread_bytes, self._in_body = 0, False
        self._end_deadline()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Answered; a body that nobody wants may go on for a moment only."""
        super().on_response_complete()
        if self._in_body and self._deadline is None:
            self._set_deadline()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets a report like everything else."""
        self._refuse(400, "malformed_request", msg)

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(self.head_s, self.transport.close)

    def _end_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, status: int, code: str, detail: str) -> None:
        """Answer, where no other answer has begun, and hang up."""
        if not (self._is_answering() and self.cycle.response_started):
            self.transport.write(_report(status, code, detail))
        self.transport.close()


def _report(status: int, code: str, detail: str) -> bytes:
    request_id = f"req_{secrets.token_hex(12)}"
    headers = {"Connection": "close"}
    response = problem_response(request_id, status, detail, code=code, headers=headers)
    complete(response.headers, request_id, "")
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
    lines += [name + b": " + value for name, value in response.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
