"""A request that may come twice: under one key something is created once.

The key is stored in the transaction that creates, so a crash leaves both or neither, and of many
equal requests at once the others wait for the first (as Stripe's idempotent requests do).
"""

from dataclasses import dataclass
from uuid import UUID

from app.db import once as queries
from app.db.engine import Connection
from app.errors import InvalidInput


@dataclass
class Once:
    """A caller's key for one request; `replayed` tells afterwards that it was a repetition."""

    address: str
    key: str
    digest: bytes
    replayed: bool = False

    def made_before(self, connection: Connection) -> UUID | None:
        """What an equal request created under this key; None when this one is to create it.

        Raises InvalidInput when the key came with another body.
        """
        if queries.take(connection, self.address, self.key, self.digest):
            return None
        digest, made_id = queries.found(connection, self.address, self.key) or (self.digest, None)
        if digest != self.digest:
            detail = (
                "This Idempotency-Key came with another body before; use a new key for a new "
                "request."
            )
            raise InvalidInput(detail, code="idempotency_key_reused")
        self.replayed = made_id is not None
        return made_id

    def made(self, connection: Connection, made_id: UUID) -> None:
        """Remember what was created, in the same transaction."""
        queries.fill(connection, self.address, self.key, made_id)
