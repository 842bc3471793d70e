"""The options that say where the web process listens, and the refusal of those that are unsafe."""

import argparse
from pathlib import Path

from app.domain.access import Access
from app.domain.posture import Posture, UnsafePosture
from app.embedded.ports import LOOPBACK
from app.embedded.programs import Front
from app.errors import InvalidInput

NO_AUTH = (
    "warning    --no-auth: every user and every program of this machine can use the service, and "
    "spend the teachers' money"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options on the command line."""
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on")
    parser.add_argument("--tls-certificate", type=Path, help="file of the certificate chain (PEM)")
    parser.add_argument("--tls-key", type=Path, help="file of its private key (PEM)")
    parser.add_argument(
        "--behind-tls-proxy", action="store_true", help="a proxy in front of it ends TLS"
    )
    parser.add_argument(
        "--trusted-proxies", default=LOOPBACK, help="addresses whose X-Forwarded-* are believed"
    )
    parser.add_argument("--no-auth", action="store_true", help="ask for no key; loopback only")


def read_front(given: argparse.Namespace) -> Front:
    """What was asked for; raises InvalidInput, with the line that mends it, when it is unsafe."""
    certificate, key = given.tls_certificate, given.tls_key
    if (certificate is None) != (key is None):
        raise InvalidInput("--tls-certificate and --tls-key go together: give both or neither.")
    for file in (certificate, key):
        if file is not None and not file.is_file():
            raise InvalidInput(f"There is no file {file}.")
    posture = Posture(
        host=given.host,
        tls=certificate is not None,
        behind_tls_proxy=given.behind_tls_proxy,
        no_auth=given.no_auth,
    )
    access_of(posture)
    return Front(posture, certificate, key, given.trusted_proxies)


def access_of(posture: Posture) -> Access:
    """How people are let in; raises InvalidInput where nobody should be."""
    try:
        return posture.access
    except UnsafePosture as error:
        raise InvalidInput(str(error)) from error


def environment_of(posture: Posture) -> dict[str, str]:
    """The settings that tell the web process of its posture."""
    return {
        "CULTIVAR_ACCESS": str(access_of(posture)),
        "CULTIVAR_BEHIND_TLS_PROXY": str(posture.behind_tls_proxy).lower(),
    }
