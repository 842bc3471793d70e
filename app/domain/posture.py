"""Where the service may listen: beyond this machine only with keys and TLS, else not at all."""

from dataclasses import dataclass
from ipaddress import ip_address

from app.domain.access import Access

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class UnsafePosture(ValueError):
    """A way to start that would let others in; the message says which options mend it."""


@dataclass(frozen=True, slots=True)
class Posture:
    """How a web process is to be reached: its address, its certificate, its proxy, its doors."""

    host: str = "127.0.0.1"
    tls: bool = False
    behind_tls_proxy: bool = False
    no_auth: bool = False

    @property
    def access(self) -> Access:
        """How people are let in there; raises UnsafePosture where nobody should be."""
        if self.no_auth and (self.behind_tls_proxy or not is_loopback(self.host)):
            way = "The proxy" if self.behind_tls_proxy else self.host
            raise UnsafePosture(
                f"{way} can be reached by others, and --no-auth would let them all in. "
                "Leave out --no-auth, or listen with --host 127.0.0.1 and no proxy."
            )
        if is_loopback(self.host):
            return Access.OPEN if self.no_auth else self._behind_keys()
        if not (self.tls or self.behind_tls_proxy):
            raise UnsafePosture(
                f"{self.host} can be reached by others, and keys would travel in clear text. Give "
                "--tls-certificate FILE and --tls-key FILE, or --behind-tls-proxy where a proxy "
                "ends TLS, or listen with --host 127.0.0.1."
            )
        return Access.DEPLOYED

    def _behind_keys(self) -> Access:
        return Access.DEPLOYED if self.behind_tls_proxy else Access.LOCAL


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own, which nobody else can reach."""
    bare = host.strip("[]").lower()
    if bare in LOOPBACK_NAMES:
        return True
    try:
        return ip_address(bare).is_loopback
    except ValueError:
        return False
