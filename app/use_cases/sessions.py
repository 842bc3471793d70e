"""Sessions of browsers: opened with a key, the machine's token or a ticket, and ended with it.

A ticket is what the printed address holds: it opens one session and is worth nothing after that.
"""

import secrets
from uuid import UUID

from app.db import sessions as queries
from app.domain.api_keys import SECRET_BYTES
from app.runtime import Runtime
from app.use_cases import audit

SESSION_OF_TOKEN_S = 30 * 24 * 3600.0
SESSION_OF_KEY_S = 12 * 3600.0
TICKET_S = 24 * 3600.0
_SESSION, _TICKET = "session", "ticket"
_LONGEST = 200


def make_ticket(runtime: Runtime) -> str:
    """A ticket for one session on this machine, good for a day."""
    return _make(runtime, _TICKET, None, TICKET_S)


def login_url(runtime: Runtime, base_url: str) -> str:
    """The address that lets a browser in, once."""
    return f"{base_url}/dashboard/login?ticket={make_ticket(runtime)}"


def redeem(runtime: Runtime, ticket: str) -> str | None:
    """Open a session with a ticket; None when it was used, is too old or never was one."""
    with runtime.database.transaction() as connection:
        if not queries.take(connection, runtime.vault.digest(ticket[:_LONGEST]), _TICKET):
            return None
    return open_session(runtime, None)


def open_session(runtime: Runtime, key_id: UUID | None) -> str:
    """Open a session for a key, or (None) for whoever has this machine's token."""
    lives_s = SESSION_OF_TOKEN_S if key_id is None else SESSION_OF_KEY_S
    return _make(runtime, _SESSION, key_id, lives_s)


def close_session(runtime: Runtime, session: str) -> None:
    """End a session; one that is none is ended already."""
    with runtime.database.transaction() as connection:
        queries.take(connection, runtime.vault.digest(session[:_LONGEST]), _SESSION)


def _make(runtime: Runtime, kind: str, key_id: UUID | None, lives_s: float) -> str:
    secret = secrets.token_urlsafe(SECRET_BYTES)
    digest = runtime.vault.digest(secret)
    with runtime.database.transaction() as connection:
        queries.insert(connection, digest, kind, key_id, lives_s=lives_s)
        if kind == _SESSION:
            audit.note(runtime, connection, "session.open", "dashboard")
    return secret
