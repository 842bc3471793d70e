"""The start matrix: where the service may listen with which doors, and what mends the rest."""

from itertools import product

import pytest

from app.domain.access import Access
from app.domain.posture import Posture, UnsafePosture, is_loopback

LOOPBACK = ("127.0.0.1", "127.8.9.10", "localhost", "::1", "[::1]")
EVERYWHERE = "0.0.0.0"  # noqa: S104 - never listened on
OUTSIDE = (EVERYWHERE, "::", "192.0.2.7", "10.0.0.1", "service.example", "127.0.0.1.nip.io", "")


@pytest.mark.parametrize(
    ("host", "tls", "proxy", "no_auth"),
    list(product((*LOOPBACK, *OUTSIDE), (False, True), (False, True), (False, True))),
)
def test_every_way_to_start(host: str, tls: bool, proxy: bool, no_auth: bool) -> None:
    posture = Posture(host, tls=tls, behind_tls_proxy=proxy, no_auth=no_auth)
    inside = host in LOOPBACK
    if no_auth and (proxy or not inside):
        with pytest.raises(UnsafePosture, match="Leave out --no-auth"):
            _ = posture.access
    elif not inside and not (tls or proxy):
        with pytest.raises(UnsafePosture, match=r"--tls-certificate .* --behind-tls-proxy"):
            _ = posture.access
    elif no_auth:
        assert posture.access is Access.OPEN
    else:
        wanted = Access.LOCAL if inside and not proxy else Access.DEPLOYED
        assert posture.access is wanted


def test_what_is_this_machine() -> None:
    assert all(map(is_loopback, LOOPBACK))
    assert not any(map(is_loopback, OUTSIDE))
