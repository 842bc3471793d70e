"""A reply while it comes in: what has arrived so far, and the verdict on it in the end."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from app.llm.outcomes import error_text, outcome_of
from app.llm.redaction import Redactor
from app.llm.teacher import REPLY_LIMIT_BYTES, Call, Fault, Outcome, Reply
from app.llm.waits import retry_after_s

_TOO_LARGE = f"The reply is longer than {REPLY_LIMIT_BYTES} bytes; the rest was not read."
_REQUEST_ID_CHARACTERS = 200
_QUOTED_BYTES = 120


class Reading:
    """What has come of one call so far."""

    def __init__(self, call: Call, redactor: Redactor, started_s: float) -> None:
        self.call = call
        self.status: int | None = None
        self._redactor = redactor
        self._started_s = started_s
        self._headers: dict[str, str] = {}
        self._chunks: list[bytes] = []
        self._length = 0
        self._cut = False

    @property
    def length(self) -> int:
        """Bytes of the body that have arrived."""
        return self._length

    @property
    def is_encoded(self) -> bool:
        """Whether the body is compressed."""
        return self._headers.get("content-encoding", "identity").lower() != "identity"

    def began(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Take the head of the reply."""
        self.status = status
        self._headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers
        }

    def add(self, chunk: bytes) -> bool:
        """Take a piece of the body; False once no more of it is wanted."""
        self._chunks.append(chunk)
        self._length += len(chunk)
        self._cut = self._length > REPLY_LIMIT_BYTES
        return not self._cut

    def whole(self) -> Reply:
        """The reply to a call whose answer is all there, or as much of it as is wanted."""
        if self.status is None:
            return self.broken(Fault.RESET, "The teacher closed the connection.")
        raw = self._raw()
        if self._cut and 200 <= self.status < 300:
            return self._reply(Outcome.TOO_LARGE, raw, error=_TOO_LARGE)
        outcome = outcome_of(self.status, raw, self.call.teacher.endpoint)
        if outcome is Outcome.ANSWERED:
            return self._reply(outcome, raw)
        wait_s = retry_after_s(self._headers, datetime.now(UTC))
        return self._reply(outcome, raw, self._explained(outcome, raw), wait_s=wait_s)

    def undecodable(self, error: str) -> Reply:
        """The reply to a call whose answer came but cannot be decompressed."""
        if self.status is not None and 200 <= self.status < 300:
            return self._reply(Outcome.UNREADABLE, self._raw(), error)
        return self.whole()

    def broken(self, fault: Fault, error: str) -> Reply:
        """The reply to a call that ended without a whole answer."""
        return self._reply(Outcome.UNKNOWN, self._raw(), error, fault=fault)

    def _raw(self) -> bytes:
        return b"".join(self._chunks)[:REPLY_LIMIT_BYTES]

    def _reply(
        self,
        outcome: Outcome,
        raw: bytes,
        error: str | None = None,
        *,
        wait_s: float | None = None,
        fault: Fault | None = None,
    ) -> Reply:
        request_id = self._headers.get("x-request-id")
        return Reply(
            call=self.call,
            outcome=outcome,
            status=self.status,
            raw=self._redactor.body(raw),
            true_length=self._true_length(fault),
            request_id=request_id and self._redactor.error(request_id)[:_REQUEST_ID_CHARACTERS],
            retry_after_s=wait_s,
            error=None if error is None else self._redactor.error(error),
            elapsed_s=time.monotonic() - self._started_s,
            fault=fault,
        )

    def _true_length(self, fault: Fault | None) -> int | None:
        """How long the whole body is: counted, or as declared where it was not read to its end."""
        if self.status is not None and fault is None and not self._cut:
            return self._length
        declared = "" if self.is_encoded else self._headers.get("content-length", "")
        return int(declared) if declared.isdecimal() and len(declared) < 19 else None

    def _explained(self, outcome: Outcome, raw: bytes) -> str:
        status = self.status or 0
        if outcome is Outcome.REDIRECTED:
            return f"The teacher redirects (status {status}); that is never followed."
        if outcome is Outcome.UNREADABLE:
            start = raw[:_QUOTED_BYTES].decode("utf-8", "replace")
            return f"The reply is not the JSON of an answer; it begins: {start}"
        return error_text(status, raw)
