"""The service in figures, as one look at the database shows it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from app.db import metrics, workers
from app.db.metrics import CountKey, JobSum, Waits
from app.domain.gates import Gate, merged
from app.domain.lifecycle import (
    FINAL_JOB_STATES,
    CandidateState,
    JobState,
    RowState,
    SlotState,
)
from app.domain.metrics import Samples
from app.runtime import Runtime
from app.use_cases.sweep import SWEEP

DELETED = "deleted"
_DIRECTIONS = {"prompt_tokens": "in", "completion_tokens": "out", "embedding_tokens": "embedded"}
_ANSWERED = ("answered", "embedder_answered")


def samples(runtime: Runtime) -> Samples:
    """Every shared metric; raises Unavailable when Postgres is away."""
    lease_s = runtime.settings.lease_s
    with runtime.database.transaction() as connection:
        named = _Named(metrics.names(connection))
        named.add("database_up", (), 1)
        _count(named, metrics.totals(connection))
        _sum(named, metrics.job_sums(connection))
        _wait(named, metrics.waits(connection), workers.seconds_since_sweep(connection, SWEEP))
        _gates(named, merged(workers.gates(connection, lease_s=lease_s)).values())
        for kind, count in workers.alive(connection, lease_s=lease_s).items():
            named.add("workers", (kind,), count)
    return named.found


class _Named:
    """Samples by metric and labels, teachers by the names they have."""

    def __init__(self, names: Mapping[UUID, str]) -> None:
        self._names = names
        self.found: dict[str, dict[tuple[str, ...], float]] = defaultdict(
            lambda: defaultdict(float)
        )

    def teacher(self, teacher_id: UUID) -> str:
        return self._names.get(teacher_id, DELETED)

    def add(self, metric: str, labels: tuple[str, ...], value: float) -> None:
        self.found[f"cultivar_{metric}"][labels] += value


def _count(named: _Named, totals: Mapping[CountKey, int]) -> None:
    for key, n in totals.items():
        teacher = named.teacher(key.teacher_id)
        match key.family:
            case metrics.TOTAL:
                _add_total(named, teacher, key.name, n)
            case "error":
                named.add("calls_total", (teacher, key.name), n)
            case "drop":
                named.add("drops_total", (teacher, key.name), n)
            case "row" if key.name in set(RowState):
                named.add("rows_total", (teacher, key.name), n)
            case "candidate" if key.name == CandidateState.PROPOSED:
                named.add("candidates_waiting", (teacher,), n)
            case "candidate":
                named.add("candidates_total", (teacher, key.name), n)
            case "slot":
                _add_slots(named, teacher, key.name, n)
            case _:
                pass


def _add_total(named: _Named, teacher: str, name: str, n: int) -> None:
    if name in _DIRECTIONS:
        named.add("tokens_total", (teacher, _DIRECTIONS[name]), n)
    elif name in _ANSWERED:
        named.add("calls_total", (teacher, name), n)
    elif name == "spent_micro_usd":
        named.add("spent_micro_usd_total", (teacher,), n)


def _add_slots(named: _Named, teacher: str, state: str, n: int) -> None:
    named.add("call_slots", (teacher, state), n)
    if state == SlotState.IN_FLIGHT:
        named.add("calls_in_flight", (teacher,), n)


def _sum(named: _Named, sums: Iterable[JobSum]) -> None:
    for state in JobState:
        named.add("jobs", (state,), 0)
    for each in sums:
        teacher = named.teacher(each.teacher_id)
        named.add("jobs", (each.state,), each.jobs)
        named.add("spent_micro_usd_total", (teacher,), each.spent)
        named.add("reserved_micro_usd", (teacher,), each.reserved)
        if each.state not in FINAL_JOB_STATES:
            named.add("live_spent_micro_usd", (teacher,), each.spent)
            named.add("live_cap_micro_usd", (teacher,), each.cap)


def _wait(named: _Named, waits: Waits, sweep_age_s: float | None) -> None:
    named.add("oldest_ready_slot_seconds", (), waits.slot or 0.0)
    named.add("oldest_candidate_seconds", (), waits.candidate or 0.0)
    named.add("oldest_export_seconds", (), waits.export or 0.0)
    if sweep_age_s is not None:
        named.add("sweep_age_seconds", (), sweep_age_s)


def _gates(named: _Named, gates: Iterable[Gate]) -> None:
    for gate in gates:
        labels = (named.teacher(UUID(gate.teacher_id)),)
        named.add("gate_open", labels, float(gate.is_open))
        named.add("gate_closed_seconds", labels, gate.closed_s)
        named.add("teacher_concurrency", labels, gate.concurrency)
        named.add("teacher_calls_sent", labels, gate.sent)
        named.add("teacher_calls_waiting", labels, gate.waiting)
        if gate.per_minute is not None:
            named.add("teacher_rate_per_minute", labels, gate.per_minute)
