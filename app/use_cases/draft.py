"""What a transaction changes of its job's numbers, gathered as it goes and written once."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from app.db import counts, jobs
from app.db.counts import Tally
from app.db.engine import Connection
from app.domain.lifecycle import SlotState


@dataclass
class Draft:
    """Changes of counts (`tally`) and of columns of the job (`numbers`, such as `calls`)."""

    tally: Tally = field(default_factory=Tally)
    numbers: Counter[str] = field(default_factory=Counter[str])

    def slot_begun(self) -> None:
        """Count a new slot."""
        self.tally["slot", SlotState.READY] += 1

    def slot_moved(self, before: SlotState, after: SlotState) -> None:
        """Count a slot's move."""
        self.tally["slot", before] -= 1
        self.tally["slot", after] += 1

    def write(self, connection: Connection, job_id: UUID) -> None:
        """Write all of it; the job before its counts, in one order, so that nobody deadlocks."""
        changed = {name: delta for name, delta in self.numbers.items() if delta}
        if changed:
            jobs.add(connection, job_id, **changed)
        counts.add(connection, job_id, self.tally)
