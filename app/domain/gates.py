"""How a teacher's door stands: calls under way, the gate that a refusal closed, the rate learnt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Gate:
    """A teacher as one worker sees it, or the sum of them over the fleet.

    `sent` calls are with the teacher, `waiting` ones stand before it; `concurrency` is how many it
    is given at once now; `closed_s` is how much longer the gate stays shut, 0.0 when it is open;
    `per_minute` is the rate learnt from refusals, None before the first.
    """

    teacher_id: str
    sent: int
    waiting: int
    concurrency: int
    closed_s: float
    per_minute: float | None

    @property
    def is_open(self) -> bool:
        return self.closed_s <= 0.0

    @property
    def words(self) -> str:
        """All of it in a few words."""
        state = "open" if self.is_open else f"shut for {max(1, round(self.closed_s)):,} s"
        told = (
            f"{state}, {self.sent:,} with the teacher, {self.waiting:,} wait, "
            f"at most {self.concurrency:,}"
        )
        return told if self.per_minute is None else f"{told}, {self.per_minute:,.0f}/min learnt"

    def after(self, seconds: float) -> "Gate":
        """The same gate so much later, as far as can be told without looking again."""
        return replace(self, closed_s=max(0.0, self.closed_s - seconds))


def merged(gates: Iterable[Gate]) -> Mapping[str, Gate]:
    """One gate for each teacher: counts and rates add up, the longest closure holds for all."""
    fleet: dict[str, Gate] = {}
    for gate in gates:
        other = fleet.get(gate.teacher_id)
        fleet[gate.teacher_id] = gate if other is None else _both(other, gate)
    return fleet


def _both(one: Gate, other: Gate) -> Gate:
    rates = [rate for rate in (one.per_minute, other.per_minute) if rate is not None]
    return Gate(
        teacher_id=one.teacher_id,
        sent=one.sent + other.sent,
        waiting=one.waiting + other.waiting,
        concurrency=one.concurrency + other.concurrency,
        closed_s=max(one.closed_s, other.closed_s),
        per_minute=sum(rates) if rates else None,
    )
