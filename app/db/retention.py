"""Queries about what has been kept long enough: raw replies and exports, a few at a time."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

_LOCK = 0x43554C544B454550  # "CULTKEEP"

# A conversation that is not done may be run again, and is fed what was stored: its replies stay,
# unless its job was cancelled, for that never goes on.
_FORGET_RAW = sa.text(
    """
    WITH old AS (
        SELECT completions.slot_id, completions.attempt
        FROM completions
        JOIN slots ON slots.id = completions.slot_id
        JOIN conversations ON conversations.id = slots.conversation_id
        JOIN jobs ON jobs.id = completions.job_id
        WHERE raw_removed_at IS NULL
          AND received_at < clock_timestamp() - make_interval(secs => :kept_s)
          AND (conversations.state = 'done' OR jobs.state = 'cancelled')
        ORDER BY received_at
        LIMIT :most
        FOR UPDATE OF completions SKIP LOCKED
    )
    UPDATE completions
    SET raw = '', error = NULL, request_digest = NULL, raw_removed_at = clock_timestamp()
    FROM old
    WHERE completions.slot_id = old.slot_id AND completions.attempt = old.attempt
    """
)

# A training run that has not begun still wants the file.
_OLD_EXPORTS = sa.text(
    """
    SELECT id FROM exports
    WHERE finished_at < clock_timestamp() - make_interval(secs => :kept_s)
      AND state IN ('ready', 'failed')
      AND NOT EXISTS (
          SELECT FROM training_runs
          WHERE export_id = exports.id AND state IN ('queued', 'running', 'stopping')
      )
    ORDER BY finished_at
    LIMIT :most
    FOR UPDATE OF exports SKIP LOCKED
    """
)


def try_lock(connection: sa.Connection) -> bool:
    """Whether this transaction may remove; one at a time over the whole fleet."""
    query = sa.text("SELECT pg_try_advisory_xact_lock(:key)")
    return bool(connection.execute(query, {"key": _LOCK}).scalar())


def forget_raw(connection: sa.Connection, *, kept_s: float, most: int) -> int:
    """Remove the text of old replies, and say when; returns of how many."""
    return connection.execute(_FORGET_RAW, {"kept_s": kept_s, "most": most}).rowcount


def old_exports(connection: sa.Connection, *, kept_s: float, most: int) -> Sequence[UUID]:
    """Exports that were finished long ago and that nothing waits for, locked."""
    found = connection.execute(_OLD_EXPORTS, {"kept_s": kept_s, "most": most})
    return list(found.scalars())
