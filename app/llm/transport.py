"""One teacher's line: the SDK's client and its connections, over which single calls are made."""

import asyncio
import os
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient
from openai._vendor.httpx_aiohttp import AiohttpTransport

from app.llm.addresses import AddressRefused
from app.llm.bodies import endpoint_path, request_body, request_headers
from app.llm.guard import Guard, Place, guarded_session
from app.llm.reading import Reading
from app.llm.redaction import Redactor
from app.llm.teacher import Call, Endpoint, Fault, Outcome, Reply, Teacher

CONNECT_TIMEOUT_S = 10.0
IDLE_TIMEOUT_S = 60.0
MOST_CONNECTIONS = 10_000

# Shorter than the five seconds after which common servers drop an idle connection: a request sent
# into a connection that is just being dropped has an unknown outcome, and is charged.
KEEP_ALIVE_S = 4.0

_NO_KEY = "none"  # never sent; without any the SDK would look into its environment
_RESCHEDULE_AFTER_S = 1.0
UNSENDABLE_KEY = "The key holds characters that no header can carry; enter it again."


class UnusableAddress(ValueError):
    """A base address that is none; the message says so to the user."""


class Line:
    """The connections to one teacher. Lives in one event loop; close it there.

    Raises UnusableAddress for a base address to which nothing can be sent, and AddressRefused for
    one to which nothing shall be.
    """

    def __init__(self, teacher: Teacher, tls: ssl.SSLContext, guard: Guard) -> None:
        _require_address(teacher.base_url)
        timeouts = _timeouts(teacher)
        self._http = _http_client(timeouts, tls, guard, guard.enter(teacher.base_url))
        key = teacher.api_key.get_secret_value() if teacher.api_key is not None else ""
        self._sdk = AsyncOpenAI(
            api_key=key or _NO_KEY,
            base_url=teacher.base_url,
            max_retries=0,
            timeout=timeouts,
            http_client=self._http,
        )
        self._urls = {each: self._sdk.base_url.join(endpoint_path(each)) for each in Endpoint}
        self._headers = _standing_headers(self._sdk.auth_headers if key else {})
        self._extensions = {"timeout": timeouts.as_dict()}
        self._redactor = Redactor(teacher.api_key)
        self._key_fits = key.isascii() and key.isprintable()

    async def ask(self, call: Call) -> Reply:
        """Send a call once and read its whole answer; every failure is an outcome, not an error."""
        if not self._key_fits:
            return Reply(call, Outcome.UNAUTHORIZED, error=UNSENDABLE_KEY)
        reading = Reading(call, self._redactor, time.monotonic())
        try:
            async with asyncio.timeout(call.teacher.timeout_s) as deadline:
                await self._exchange(call, reading, deadline)
        except TimeoutError:
            return reading.broken(Fault.TIME_OUT, _too_slow(call.teacher, reading))
        except httpx2.DecodingError as error:
            return reading.undecodable(f"The reply cannot be decompressed: {error}")
        except httpx2.HTTPError as error:
            return _broken_off(reading, error.__cause__ or error)
        except (aiohttp.ClientError, OSError) as error:
            return _broken_off(reading, error)
        return reading.whole()

    @asynccontextmanager
    async def opened(
        self, method: str, path: str, **content: Any
    ) -> AsyncGenerator[httpx2.Response]:
        """Any other request to the teacher, its answer's body not read yet; raises what httpx does.

        `content` is `json`, `params`, or `data` and `files` for a form.
        """
        own = [each for each in self._headers if each[0] != "Content-Type"]
        url = self._sdk.base_url.join(path)
        request = httpx2.Request(method, url, headers=own, extensions=self._extensions, **content)
        response = await self._http.send(request, stream=True, auth=None)
        try:
            yield response
        finally:
            await response.aclose()

    @property
    def key_fits(self) -> bool:
        """Whether a header can carry the key."""
        return self._key_fits

    async def close(self) -> None:
        """Close every connection."""
        await self._sdk.close()

    async def _exchange(self, call: Call, reading: Reading, deadline: asyncio.Timeout) -> None:
        request = httpx2.Request(
            "POST",
            self._urls[call.teacher.endpoint],
            headers=self._headers + request_headers(call),
            content=request_body(call.teacher, call.prompt),
            extensions=self._extensions,
        )
        response = await self._http.send(request, stream=True, auth=None)
        try:
            reading.began(response.status_code, response.headers.raw)
            await _read_body(_chunks(response, reading), reading, deadline)
        finally:
            await response.aclose()


async def _read_body(
    chunks: AsyncIterator[bytes], reading: Reading, deadline: asyncio.Timeout
) -> None:
    """Read the body as far as it is wanted. An answer that has begun may pause for a minute.

    Until it begins only the teacher's own time-out counts: a long completion is silent for as long
    as it is being written.
    """
    clock = asyncio.get_running_loop().time
    latest = deadline.when() or clock() + IDLE_TIMEOUT_S
    rescheduled = 0.0
    async for chunk in chunks:
        if not reading.add(chunk):
            return
        if (now := clock()) - rescheduled > _RESCHEDULE_AFTER_S:
            rescheduled = now
            deadline.reschedule(min(latest, now + IDLE_TIMEOUT_S))


def _chunks(response: httpx2.Response, reading: Reading) -> AsyncIterator[bytes]:
    """The body as it comes, decompressed a megabyte at a time where it is compressed."""
    stream = response.stream
    if reading.is_encoded or not isinstance(stream, httpx2.AsyncByteStream):
        return response.aiter_bytes()
    return aiter(stream)


def _too_slow(teacher: Teacher, reading: Reading) -> str:
    if reading.status is None:
        return f"No answer within {teacher.timeout_s:g} s."
    return f"The answer stopped after {reading.length} bytes and did not end in time."


def _broken_off(reading: Reading, error: BaseException) -> Reply:
    fault, text = fault_of(reading.call.teacher, error)
    return replace(reading.broken(fault, text), outcome=outcome_of_fault(fault))


def outcome_of_fault(fault: Fault) -> Outcome:
    """What a call came to that broke; one to a refused address is not worth another try."""
    if fault is Fault.ADDRESS:
        return Outcome.UNAUTHORIZED
    return Outcome.NOT_SENT if fault in (Fault.DNS, Fault.CONNECT, Fault.TLS) else Outcome.UNKNOWN


def fault_of(teacher: Teacher, error: BaseException) -> tuple[Fault, str]:
    """Tell what failed before anything was sent from what failed after."""
    host = httpx2.URL(teacher.base_url).netloc.decode("ascii", "replace")
    match error:
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, AddressRefused):
            return Fault.ADDRESS, str(error.os_error)
        case aiohttp.ClientConnectorDNSError():
            return Fault.DNS, f"The host name in {host} cannot be resolved."
        case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch():
            return Fault.TLS, f"No secure connection to {host}: {error}"
        case aiohttp.ClientConnectorError():
            return Fault.CONNECT, f"No connection to {host}: {_reason(error.os_error)}"
        case aiohttp.ConnectionTimeoutError():
            return Fault.CONNECT, f"No connection to {host} within {CONNECT_TIMEOUT_S:g} s."
        case aiohttp.ServerTimeoutError():
            return Fault.TIME_OUT, f"The teacher at {host} fell silent."
        case _:
            return Fault.RESET, f"The connection to {host} broke: {type(error).__name__} {error}"


def _reason(error: OSError) -> str:
    """Why, without the address that a name resolved to."""
    return os.strerror(error.errno) if error.errno else "it failed."


def _require_address(base_url: str) -> None:
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    has_port = url.port is None or 0 < url.port < 65_536
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or not has_port:
        raise UnusableAddress(
            "A teacher's address is http:// or https://, a host and a path, without a password."
        )


def _http_client(
    timeouts: httpx2.Timeout, tls: ssl.SSLContext, guard: Guard, place: Place
) -> httpx2.AsyncClient:
    def session() -> aiohttp.ClientSession:
        return guarded_session(guard, place, tls, limit=MOST_CONNECTIONS, keep_alive_s=KEEP_ALIVE_S)

    return DefaultAioHttpClient(
        timeout=timeouts,
        transport=AiohttpTransport(verify=tls, client=session),
        follow_redirects=False,
        trust_env=False,
    )


def _timeouts(teacher: Teacher) -> httpx2.Timeout:
    connect_s = min(CONNECT_TIMEOUT_S, teacher.timeout_s / 2)
    whole_s = teacher.timeout_s
    # In aiohttp the pool's time-out covers the whole way to a connection, resolving included.
    return httpx2.Timeout(connect=connect_s, read=whole_s, write=whole_s, pool=1.5 * connect_s)


def _standing_headers(authorization: dict[str, str]) -> list[tuple[str, str]]:
    return [
        *authorization.items(),
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip, deflate"),
        ("User-Agent", "cultivar"),
    ]
