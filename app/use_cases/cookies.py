"""The cookie of a session: its name, which keeps services on one machine apart, and its terms."""

from urllib.parse import urlsplit

from app.domain.access import Access
from app.settings import Settings
from app.use_cases.sessions import SESSION_OF_KEY_S, SESSION_OF_TOKEN_S


def cookie_name(scheme: str, host: str) -> str:
    """The name for a Host; browsers do not tell ports apart by themselves.

    Over TLS the prefix `__Host-` lets no other host of the domain set it (RFC 6265bis).
    """
    try:
        port = urlsplit(f"//{host}").port
    except ValueError:
        port = None
    name = "cultivar" if port is None else f"cultivar_{port}"
    return f"__Host-{name}" if scheme == "https" else name


def cookie_lives_s(settings: Settings) -> int:
    """How long a browser is to keep it."""
    local = settings.access == Access.LOCAL
    return int(SESSION_OF_TOKEN_S if local else SESSION_OF_KEY_S)
