"""Replies that their worker stored and did not live to read: one of them may be what killed it.

Whoever takes one over writes that down before reading it, and reads it apart from all else, so
that a reply that kills its reader strikes out after three of them and no other call is blamed.
"""

from uuid import UUID

from app.db import choosing, conversations, slots
from app.db.engine import Connection
from app.domain.lifecycle import ConversationState, SlotState
from app.domain.stored import SlotRecord
from app.domain.suspicion import is_out
from app.runtime import Runtime
from app.use_cases.draft import Draft

WORKER_LOST = "worker_lost"
_QUARANTINED = "Each worker that read this reply was lost at it; it is kept, and read no more."


def take_over(runtime: Runtime, worker_id: UUID, job_id: UUID) -> bool | None:
    """Make the next stray reply ours to read: True; False if it struck out; None without any."""
    lease_s = runtime.settings.lease_s
    with runtime.database.transaction() as connection:
        slot = choosing.stray(connection, job_id, worker_id, lease_s=lease_s)
        if slot is None:
            return None
        strikes = slot.strikes + 1
        if is_out(strikes):
            _quarantine(connection, slot, strikes)
            return False
        slots.change(connection, [{"id": slot.id, "strikes": strikes, "worker_id": worker_id}])
        return True


def _quarantine(connection: Connection, slot: SlotRecord, strikes: int) -> None:
    state = SlotState.QUARANTINED
    change = {"id": slot.id, "state": state, "strikes": strikes}
    slots.change(connection, [{**change, "reason": WORKER_LOST, "detail": _QUARANTINED}])
    conversations.finish(connection, [slot.conversation_id], ConversationState.FAILED)
    draft = Draft()
    draft.slot_moved(slot.state, state)
    draft.tally["drop", WORKER_LOST] += 1
    draft.write(connection, slot.job_id)
