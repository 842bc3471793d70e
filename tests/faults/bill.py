"""The teacher's own account of what it was asked, which owes nothing to the service's."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Arrival:
    """One call as the teacher saw it; times are Unix seconds."""

    at_s: float
    answered_at_s: float
    slot: str
    attempt: int
    status: int
    outcome: str
    step: str
    retry_after: str | None

    @property
    def paid(self) -> bool:
        """Whether a teacher would ask money for it."""
        return self.status == 200


@dataclass(frozen=True)
class Bill:
    """Every arrival of one teacher, in order."""

    arrivals: tuple[Arrival, ...]

    @property
    def paid(self) -> int:
        """Calls that were answered with something of worth."""
        return sum(each.paid for each in self.arrivals)

    @property
    def paid_again(self) -> int:
        """Paid calls beyond the first of each slot."""
        return self.paid - len({each.slot for each in self.arrivals if each.paid})

    def sent_twice(self) -> list[tuple[str, int]]:
        """Attempts of slots that reached the teacher more than once: there must be none."""
        seen = Counter((each.slot, each.attempt) for each in self.arrivals)
        return [which for which, times in seen.items() if times > 1]

    def attempts(self) -> Counter[str]:
        """How often each slot arrived."""
        return Counter(each.slot for each in self.arrivals)


def read_bill(log: Path) -> Bill:
    """The bill so far; a line that is being written is left for the next time."""
    text = log.read_text() if log.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    return Bill(tuple(_arrival(json.loads(line)) for line in whole.splitlines()))


def _arrival(line: dict[str, Any]) -> Arrival:
    slot, _, attempt = (line["idempotency_key"] or "-0").rpartition("-")
    answered_at_s = line["time"] + line["wait_s"]
    return Arrival(
        line["time"],
        answered_at_s,
        slot,
        int(attempt),
        line["status"],
        line["outcome"],
        line["step"],
        line["retry_after"],
    )
