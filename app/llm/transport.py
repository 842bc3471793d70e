"""One teacher's line: the SDK's client and its connections, over which single calls are made."""

import asyncio
import ssl
import time
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient

from app.llm.bodies import endpoint_path, request_body, request_headers
from app.llm.outcomes import error_text, outcome_of
from app.llm.redaction import readable_error, without_key
from app.llm.teacher import REPLY_LIMIT_BYTES, Call, Fault, Outcome, Reply, Teacher
from app.llm.waits import retry_after_s

CONNECT_TIMEOUT_S = 10.0
IDLE_TIMEOUT_S = 60.0
MOST_CONNECTIONS = 10_000

# Shorter than the five seconds after which common servers drop an idle connection: a request sent
# into a connection that is just being dropped has an unknown outcome, and is charged.
KEEP_ALIVE_S = 4.0

_NO_KEY = "none"  # never sent; without any the SDK would look into its environment
_RESCHEDULE_AFTER_S = 1.0


class Line:
    """The connections to one teacher. Lives in one event loop; close it there."""

    def __init__(self, teacher: Teacher, tls: ssl.SSLContext) -> None:
        self._timeout = _timeouts(teacher)
        self._http = DefaultAioHttpClient(
            timeout=self._timeout,
            limits=httpx2.Limits(
                max_connections=MOST_CONNECTIONS,
                max_keepalive_connections=MOST_CONNECTIONS,
                keepalive_expiry=KEEP_ALIVE_S,
            ),
            follow_redirects=False,
            trust_env=False,
            verify=tls,
        )
        key = teacher.api_key.get_secret_value() if teacher.api_key is not None else ""
        self._sdk = AsyncOpenAI(
            api_key=key or _NO_KEY,
            base_url=teacher.base_url,
            max_retries=0,
            timeout=self._timeout,
            http_client=self._http,
        )
        self._headers = _standing_headers(self._sdk.auth_headers if key else {})
        self._key_fits = key.isascii() and key.isprintable()

    async def ask(self, call: Call) -> Reply:
        """Send a call once and read its whole answer; every failure is an outcome, not an error."""
        if not self._key_fits:
            return Reply(call, Outcome.UNAUTHORIZED, error=_UNSENDABLE_KEY)
        started = time.monotonic()
        reading = _Reading(call)
        try:
            async with asyncio.timeout(call.teacher.timeout_s) as deadline:
                await self._exchange(call, reading, deadline)
        except TimeoutError:
            reply = reading.broken(Fault.TIME_OUT, _too_slow(call.teacher, reading))
        except httpx2.DecodingError as error:
            reply = replace(reading.whole(), outcome=Outcome.UNREADABLE, error=str(error))
        except httpx2.HTTPError as error:
            reply = _broken_off(reading, error.__cause__ or error)
        except (aiohttp.ClientError, OSError) as error:
            reply = _broken_off(reading, error)
        else:
            reply = reading.whole()
        return _clean(reply, time.monotonic() - started)

    async def close(self) -> None:
        """Close every connection."""
        await self._sdk.close()

    def _request(self, call: Call) -> httpx2.Request:
        teacher = call.teacher
        return httpx2.Request(
            "POST",
            self._sdk.base_url.join(endpoint_path(teacher.endpoint)),
            headers=self._headers | request_headers(call),
            content=request_body(teacher, call.prompt),
            extensions={"timeout": self._timeout.as_dict()},
        )

    async def _exchange(self, call: Call, reading: "_Reading", deadline: asyncio.Timeout) -> None:
        response = await self._http.send(self._request(call), stream=True, auth=None)
        try:
            reading.response = response
            await _read_body(response, reading, deadline)
        finally:
            await response.aclose()


class _Reading:
    """What has come of one call so far."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.response: httpx2.Response | None = None
        self.body = bytearray()
        self.too_large = False

    def whole(self) -> Reply:
        """The reply, judged by status and body."""
        response = self.response
        if response is None:
            return self.broken(Fault.RESET, "The teacher closed the connection.")
        raw, status = bytes(self.body), response.status_code
        if self.too_large and response.is_success:
            return replace(self._part(raw), outcome=Outcome.TOO_LARGE, error=_TOO_LARGE)
        outcome = outcome_of(status, raw)
        reply = replace(self._part(raw), outcome=outcome)
        if not self.too_large:
            reply = replace(reply, true_length=len(raw))
        if outcome is Outcome.ANSWERED:
            return reply
        headers = {name.lower(): value for name, value in response.headers.items()}
        wait_s = retry_after_s(headers, datetime.now(UTC))
        return replace(reply, retry_after_s=wait_s, error=_explained(outcome, response, raw))

    def broken(self, fault: Fault, error: str) -> Reply:
        """The reply to a call that ended without a whole answer."""
        return replace(self._part(bytes(self.body)), error=error, fault=fault)

    def _part(self, raw: bytes) -> Reply:
        response = self.response
        if response is None:
            return Reply(self.call, Outcome.UNKNOWN)
        headers = response.headers
        declared = None if "content-encoding" in headers else headers.get("content-length", "")
        return Reply(
            self.call,
            Outcome.UNKNOWN,
            status=response.status_code,
            raw=raw,
            true_length=int(declared) if declared and declared.isdecimal() else None,
            request_id=headers.get("x-request-id"),
        )


async def _read_body(
    response: httpx2.Response, reading: _Reading, deadline: asyncio.Timeout
) -> None:
    """Read up to 8 MiB after decompression. An answer that has begun may pause for a minute.

    Until it begins only the teacher's own time-out counts: a long completion is silent for as long
    as it is being written.
    """
    clock = asyncio.get_running_loop().time
    last = clock()
    latest = deadline.when() or last + IDLE_TIMEOUT_S
    deadline.reschedule(min(latest, last + IDLE_TIMEOUT_S))
    async for chunk in response.aiter_bytes():
        reading.body += chunk
        if len(reading.body) > REPLY_LIMIT_BYTES:
            del reading.body[REPLY_LIMIT_BYTES:]
            reading.too_large = True
            return
        if clock() - last > _RESCHEDULE_AFTER_S:
            last = clock()
            deadline.reschedule(min(latest, last + IDLE_TIMEOUT_S))


_TOO_LARGE = f"The reply is longer than {REPLY_LIMIT_BYTES} bytes; the rest was not read."
_UNSENDABLE_KEY = "The key holds characters that no header can carry; enter it again."


def _explained(outcome: Outcome, response: httpx2.Response, raw: bytes) -> str:
    if outcome is Outcome.REDIRECTED:
        return f"The teacher redirects (status {response.status_code}); that is never followed."
    return error_text(response.status_code, raw)


def _too_slow(teacher: Teacher, reading: _Reading) -> str:
    if reading.response is None:
        return f"No answer within {teacher.timeout_s:g} s."
    return f"The answer stopped after {len(reading.body)} bytes and did not end in time."


def _broken_off(reading: _Reading, error: BaseException) -> Reply:
    fault, text = _fault(reading.call.teacher, error)
    reply = reading.broken(fault, text)
    unsent = fault in (Fault.DNS, Fault.CONNECT, Fault.TLS)
    return replace(reply, outcome=Outcome.NOT_SENT) if unsent else reply


def _fault(teacher: Teacher, error: BaseException) -> tuple[Fault, str]:
    """Tell what failed before anything was sent from what failed after."""
    host = httpx2.URL(teacher.base_url).netloc.decode("ascii", "replace")
    match error:
        case aiohttp.ClientConnectorDNSError():
            return Fault.DNS, f"The host name in {host} cannot be resolved."
        case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch():
            return Fault.TLS, f"No secure connection to {host}: {error}"
        case aiohttp.ClientConnectorError():
            return Fault.CONNECT, f"No connection to {host}: {error.os_error}"
        case aiohttp.ConnectionTimeoutError():
            return Fault.CONNECT, f"No connection to {host} within {CONNECT_TIMEOUT_S:g} s."
        case aiohttp.InvalidURL() | httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
            return Fault.CONNECT, f"{teacher.base_url} is not an address of a teacher."
        case aiohttp.ServerTimeoutError():
            return Fault.TIME_OUT, f"The teacher at {host} fell silent."
        case _:
            return Fault.RESET, f"The connection to {host} broke: {type(error).__name__} {error}"


def _clean(reply: Reply, elapsed_s: float) -> Reply:
    key = reply.call.teacher.api_key
    error = None if reply.error is None else readable_error(reply.error, key)
    raw = without_key(reply.raw, key)
    return replace(reply, raw=raw, error=error, elapsed_s=elapsed_s)


def _timeouts(teacher: Teacher) -> httpx2.Timeout:
    connect_s = min(CONNECT_TIMEOUT_S, teacher.timeout_s / 2)
    whole_s = teacher.timeout_s
    # In aiohttp the pool's time-out covers the whole way to a connection, resolving included.
    return httpx2.Timeout(connect=connect_s, read=whole_s, write=whole_s, pool=1.5 * connect_s)


def _standing_headers(authorization: dict[str, str]) -> dict[str, str]:
    return {
        **authorization,
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": "cultivar",
    }
