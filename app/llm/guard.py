"""The guard at the door: a request goes to an address that was looked at, and to no other.

A name is resolved once for a connection, every answer must be allowed, and the socket is made for
one of these very answers (what resolves differently a moment later changes nothing). The name
stays in the Host header and in TLS.
"""

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from app.llm.addresses import LOOPBACK, AddressRefused, Allowed, Rule, is_this_machine, rule_of

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
SAVE_LOOKUP_S = 3.0

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z")
_NUMBERS = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")
_IPV4 = re.compile(r"(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}\Z")
# Names of metadata services, which are refused where they do not resolve as well.
_METADATA_NAMES = {
    *("metadata", "metadata.goog", "metadata.google.internal", "metadata.tencentyun.com"),
    *("instance-data", "instance-data.ec2.internal"),
}


async def ask_the_system(host: str, port: int) -> Sequence[str]:
    """Every address of a host, as the operating system resolves it; raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads by its own words; `address` when its host is one."""

    scheme: str
    host: str
    port: int
    address: str | None


def place_of(base_url: str) -> Place:
    """Read a URL strictly; raises AddressRefused for a host that other readers may read otherwise.

    So are numbers that some resolvers take for addresses (`127.1`, `0x7f000001`, `2130706433`).
    """
    if not base_url.isascii() or re.search(r"[\\\s\x00-\x20\x7f]", base_url):
        raise AddressRefused(Rule.AMBIGUOUS_HOST)
    try:
        parts = urlsplit(base_url)
        port = parts.port or {"https": 443, "http": 80}[parts.scheme]
    except (ValueError, KeyError):
        raise AddressRefused(Rule.AMBIGUOUS_HOST) from None
    host = (parts.hostname or "").lower()
    return Place(parts.scheme, host, port, _address(parts.netloc, host))


def _address(netloc: str, host: str) -> str | None:
    if "[" in netloc or ":" in host:
        if "%" in host or rule_of(host) is Rule.AMBIGUOUS_HOST:
            raise AddressRefused(Rule.AMBIGUOUS_HOST)
        return host
    if _IPV4.match(host):
        return host
    if not _NAME.match(host) or _NUMBERS.match(host.rpartition(".")[2]):
        raise AddressRefused(Rule.AMBIGUOUS_HOST)
    if host in _METADATA_NAMES:
        raise AddressRefused(Rule.METADATA)
    return None


class Guard:
    """What may be reached: public addresses by https, and what the operator allows by http too.

    `stores` are the ports of our own database and broker, which no private address is asked on;
    `api_port` is that of our own API, which this machine is not asked on.
    """

    def __init__(
        self,
        allowed: Allowed = LOOPBACK,
        *,
        stores: Sequence[int] = (),
        api_port: int | None = None,
        resolve: Resolve = ask_the_system,
    ) -> None:
        self._allowed = allowed
        self._stores = frozenset(stores)
        self._api_port = api_port
        self.resolve = resolve

    def enter(self, base_url: str) -> Place:
        """Where a URL leads, its address judged when it names one; raises AddressRefused."""
        place = place_of(base_url)
        if place.address is not None:
            self.judge(place, place.address)
        return place

    def judge(self, place: Place, address: str) -> None:
        """Raise AddressRefused when a place must not be reached at this address."""
        rule = rule_of(address)
        if rule not in (None, Rule.LOOPBACK, Rule.PRIVATE):
            raise AddressRefused(rule)
        named = self._allowed.host(place.host, place.port) or self._allowed.address(address)
        if not named and rule is not None:
            raise AddressRefused(rule)
        if not named and place.scheme != "https":
            raise AddressRefused(Rule.NOT_HTTPS)
        if rule is None:
            return
        if place.port in self._stores or self._is_our_api(place.port, address):
            raise AddressRefused(Rule.OWN_PORT)

    def look(self, base_url: str) -> None:
        """Judge a URL before it is kept, its name resolved now; raises AddressRefused.

        A name that cannot be resolved in three seconds passes: every call judges it again.
        """
        place = self.enter(base_url)
        if place.address is None:
            for address in _resolved_now(self.resolve, place):
                self.judge(place, address)

    def _is_our_api(self, port: int, address: str) -> bool:
        return port == self._api_port and is_this_machine(address)


def _resolved_now(resolve: Resolve, place: Place) -> Sequence[str]:
    """Resolved in a thread that is left behind when it takes long: a resolver cannot be stopped."""
    found: list[str] = []

    def look_up() -> None:
        try:
            found.extend(asyncio.run(_awaited(resolve, place)))
        except OSError:
            return

    thread = threading.Thread(target=look_up, name="resolver", daemon=True)
    thread.start()
    thread.join(SAVE_LOOKUP_S)
    return list(found)


async def _awaited(resolve: Resolve, place: Place) -> Sequence[str]:
    return await resolve(place.host, place.port)


class _GuardedResolver(AbstractResolver):
    """Resolves for aiohttp: all answers of a name, or none when one of them is refused."""

    def __init__(self, guard: Guard, place: Place) -> None:
        self._guard, self._place = guard, place

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await self._guard.resolve(host, port)
        if not addresses:
            raise OSError("no address")
        for address in addresses:
            self._guard.judge(self._place, address)
        return [_result(host, port, address) for address in addresses]

    async def close(self) -> None:
        """Nothing is held."""


def _result(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return {
        "hostname": host,
        "host": address,
        "port": port,
        "family": family,
        "proto": 0,
        "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    }


def guarded_session(
    guard: Guard, place: Place, tls: ssl.SSLContext, *, limit: int, keep_alive_s: float
) -> aiohttp.ClientSession:
    """A session whose connections lead where the guard looked; to be made in its event loop."""

    def checked_socket(info: Any) -> socket.socket:
        family, kind, protocol, _, (address, *_) = info
        guard.judge(place, address)
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        ssl=tls,
        limit=limit,
        keepalive_timeout=keep_alive_s,
        resolver=_GuardedResolver(guard, place),
        socket_factory=checked_socket,
    )
    return aiohttp.ClientSession(connector=connector, trust_env=False)
