"""`cultivar serve`: the whole service in the foreground, everything in one directory."""

from pathlib import Path
from typing import Annotated

from typer import Exit, Option

from app.embedded import serve


def command(
    port: Annotated[int | None, Option(min=1, max=65535, help="of API and dashboard")] = None,
    home: Annotated[Path | None, Option(help="where the data is kept")] = None,
    host: Annotated[str | None, Option(help="address to listen on; else 127.0.0.1")] = None,
    tls_certificate: Annotated[Path | None, Option(help="certificate chain (PEM)")] = None,
    tls_key: Annotated[Path | None, Option(help="its private key (PEM)")] = None,
    behind_tls_proxy: Annotated[
        bool, Option("--behind-tls-proxy", help="a proxy in front of it ends TLS")
    ] = False,
    trusted_proxies: Annotated[
        str | None, Option(help="addresses whose X-Forwarded-* are believed")
    ] = None,
    no_auth: Annotated[
        bool, Option("--no-auth", help="ask for no key; on the loopback address only")
    ] = False,
) -> None:
    """Postgres, Valkey, API and workers, until Ctrl-C; the data stays."""
    given = {
        "--port": port,
        "--home": home,
        "--host": host,
        "--tls-certificate": tls_certificate,
        "--tls-key": tls_key,
        "--trusted-proxies": trusted_proxies,
    }
    arguments = [f"{name}={value}" for name, value in given.items() if value is not None]
    flags = {"--behind-tls-proxy": behind_tls_proxy, "--no-auth": no_auth}
    arguments += [name for name, value in flags.items() if value]
    raise Exit(serve.main(arguments))
