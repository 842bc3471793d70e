"""Whether a request was meant for us and sent by us: Host, Origin, and what browsers say of it.

A web page anywhere can make a browser on this machine send requests here, and by rebinding its own
name to 127.0.0.1 even read the answers. The first is told by Origin and Sec-Fetch-Site, the second
by Host, so both are looked at with every method.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from app.domain.gatekeeping import is_safe
from app.domain.posture import is_loopback

Headers = Mapping[str, str]
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")
_FOREIGN = "Another site sent this request."


def is_our_host(headers: Headers, hosts: frozenset[str]) -> bool:
    """Whether the Host is this machine's own name, or one of those that we were given."""
    name = host_name(headers.get("host", ""))
    return is_loopback(name) or name in hosts


def host_name(host: str) -> str:
    """A Host without its port, in lower case; empty when it is none."""
    found = _HOST.fullmatch(host.lower())
    return found[1].rstrip(".") if found else ""


def foreign(method: str, headers: Headers, *, by_cookie: bool) -> str | None:
    """Why a request must be taken for another site's; None when it is ours.

    Reading by following a link from elsewhere is ours: the other site sees no answer. A change by
    cookie must be told to be ours; what carries a key needs no proof, as no other site has it.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:  # no page can forge it, and with `no-referrer` our own Origin is null
        looked_up = is_safe(method) and (
            site == "none" or headers.get("sec-fetch-mode") == "navigate"
        )
        return None if site == "same-origin" or looked_up else _FOREIGN
    if origin is not None:
        return None if _is_ours(origin, headers) else _FOREIGN
    if by_cookie and not is_safe(method):
        return "Send Origin with a session, or use a key: Authorization: Bearer KEY."
    return None


def _is_ours(origin: str, headers: Headers) -> bool:
    # The scheme is left out: behind a proxy ours may differ from the one the browser sees.
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    except ValueError:
        return False
