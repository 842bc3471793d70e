"""Which addresses a teacher may be at: every other one is refused by a rule that has a name."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Rule(StrEnum):
    """Why an address is refused."""

    AMBIGUOUS_HOST = "ambiguous_host"
    METADATA = "metadata_address"
    LINK_LOCAL = "link_local_address"
    SHARED = "shared_address"
    UNSPECIFIED = "unspecified_address"
    TRANSLATED = "translated_address"
    RESERVED = "reserved_address"
    LOOPBACK = "loopback_address"
    PRIVATE = "private_address"
    OWN_PORT = "own_port"
    NOT_HTTPS = "not_https"


_LISTED = "the operator can list it in CULTIVAR_TEACHER_NETWORKS"
WORDS: Mapping[Rule, str] = {
    Rule.AMBIGUOUS_HOST: "write the host as plain ASCII letters, digits, hyphens and dots, or as "
    "one complete IP address",
    Rule.METADATA: "it leads to a metadata service of a cloud",
    Rule.LINK_LOCAL: "it leads to a link-local address",
    Rule.SHARED: "it leads to an address of carrier-grade NAT (100.64.0.0/10)",
    Rule.UNSPECIFIED: "it leads to an unspecified address",
    Rule.TRANSLATED: "it leads to an IPv6 address that wraps an IPv4 address",
    Rule.RESERVED: "it leads to a reserved address",
    Rule.LOOPBACK: f"it leads to this machine; {_LISTED}",
    Rule.PRIVATE: f"it leads to a private network; {_LISTED}",
    Rule.OWN_PORT: "it leads to a port of this service itself",
    Rule.NOT_HTTPS: f"http is taken for private addresses only: {_LISTED}",
}


class AddressRefused(OSError, ValueError):
    """An address that no request goes to; names the rule and never what a name resolved to."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(f"The address is refused: {WORDS[rule]} (rule {rule}).")
        self.rule = rule


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


# Fixed addresses under which clouds tell a machine its own credentials: AWS and most others, AWS
# containers, Azure's host, Oracle, Alibaba, AWS and Google over IPv6.
_METADATA = _networks(
    "169.254.169.254/32",
    "169.254.170.0/24",
    "168.63.129.16/32",
    "192.0.0.192/32",
    "100.100.100.200/32",
    "fd00:ec2::/32",
    "fd20:ce::/32",
)
_NEVER: Mapping[Rule, Sequence[Network]] = {
    Rule.METADATA: _METADATA,
    Rule.LINK_LOCAL: _networks("169.254.0.0/16", "fe80::/10"),
    Rule.SHARED: _networks("100.64.0.0/10"),
    Rule.UNSPECIFIED: _networks("0.0.0.0/8", "::/128"),
    Rule.RESERVED: _networks("224.0.0.0/4", "240.0.0.0/4", "ff00::/8", "fec0::/10"),
}
_LOOPBACK = _networks("127.0.0.0/8", "::1/128")
_PRIVATE = _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
# IPv4 inside IPv6: mapped, compatible, 6to4, Teredo, translated by a network's own prefix.
_TRANSLATED = _networks(
    "::ffff:0:0/96", "::/96", "2002::/16", "2001::/32", "64:ff9b:1::/48", "::ffff:0:0:0/96"
)
_NAT64 = ip_network("64:ff9b::/96")


@lru_cache(maxsize=1024)
def rule_of(text: str) -> Rule | None:
    """The rule against an address in its usual spelling; None for a public one.

    LOOPBACK and PRIVATE are what an operator may allow; nothing allows the others.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return Rule.AMBIGUOUS_HOST
    if address in _NAT64:  # how a network without IPv4 reaches the rest: judged by what it means
        return rule_of(str(IPv4Address(int(address) & 0xFFFFFFFF)))
    for rule, networks in _NEVER.items():
        if _within(address, networks):
            return rule
    if _within(address, _LOOPBACK):
        return Rule.LOOPBACK
    if _within(address, _PRIVATE):
        return Rule.PRIVATE
    if _within(address, _TRANSLATED):
        return Rule.TRANSLATED
    return None if address.is_global else Rule.RESERVED


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an operator allows besides public addresses: networks, and hosts by name."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[tuple[str, int | None]] = frozenset()

    def host(self, name: str, port: int) -> bool:
        """Whether a host is allowed by its name, on that port or on all."""
        return (name, port) in self.hosts or (name, None) in self.hosts

    def address(self, text: str) -> bool:
        """Whether an address is in an allowed network."""
        return _within(ip_address(text), self.networks)


def read_allowed(text: str) -> Allowed:
    """The comma-separated list of a setting: networks, addresses, `host` or `host:port`.

    Raises ValueError with the entry that cannot be read.
    """
    networks: list[Network] = []
    hosts: set[tuple[str, int | None]] = set()
    for entry in filter(None, (each.strip() for each in text.split(","))):
        try:
            networks.append(ip_network(entry))
        except ValueError:
            hosts.add(_host(entry))
    return Allowed(tuple(networks), frozenset(hosts))


def _host(entry: str) -> tuple[str, int | None]:
    name, colon, port = entry.lower().partition(":")
    if not name or "/" in name or (colon and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise ValueError(f"{entry!r} is no network, no address, and no host or host:port")
    return name, int(port) if colon else None


LOOPBACK = Allowed(_LOOPBACK)


def is_this_machine(text: str) -> bool:
    """Whether an address is one of this machine's own: only those can be bound."""
    if rule_of(text) is Rule.LOOPBACK:
        return True
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((text, 0))
        except OSError:
            return False
    return True
