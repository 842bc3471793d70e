"""The list of the service's metrics: names, kinds, labels and what each means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

Samples = Mapping[str, Mapping[tuple[str, ...], float]]


class MetricKind(StrEnum):
    """What Prometheus may do with a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; its labels take few values: states, reasons, names of teachers."""

    name: str
    kind: MetricKind
    labels: tuple[str, ...]
    meaning: str


def _counter(name: str, labels: str, meaning: str) -> Metric:
    return Metric(f"cultivar_{name}_total", MetricKind.COUNTER, tuple(labels.split()), meaning)


def _gauge(name: str, labels: str, meaning: str) -> Metric:
    return Metric(f"cultivar_{name}", MetricKind.GAUGE, tuple(labels.split()), meaning)


# Computed from Postgres, and so alike from whichever process they are asked.
SHARED: Sequence[Metric] = (
    _gauge("database_up", "", "1 when Postgres answered this scrape, else 0 and nothing below"),
    _counter(
        "calls",
        "teacher outcome",
        "attempts to call the teacher that ended, by outcome: answered, or the kind of error",
    ),
    _gauge("calls_in_flight", "teacher", "calls claimed by workers whose replies are not stored"),
    _gauge("call_slots", "teacher state", "call slots of the jobs that exist, by state"),
    _counter("tokens", "teacher direction", "tokens read (in) and written (out) by the teacher"),
    _counter("spent_micro_usd", "teacher", "money spent"),
    _gauge("reserved_micro_usd", "teacher", "money held for calls under way"),
    _gauge("live_spent_micro_usd", "teacher", "money spent by jobs that have not ended"),
    _gauge("live_cap_micro_usd", "teacher", "caps of the jobs that have not ended and have one"),
    _counter("rows", "teacher state", "rows accepted and rejected"),
    _counter("candidates", "teacher state", "instructions found novel, duplicate or rejected"),
    _counter("drops", "teacher reason", "candidates, rows and replies dropped, by first reason"),
    _gauge("candidates_waiting", "teacher", "instructions that wait for the novelty check"),
    _gauge("jobs", "state", "jobs by state"),
    _gauge("gate_open", "teacher", "1 when the teacher's gate lets calls through, else 0"),
    _gauge("gate_closed_seconds", "teacher", "how much longer the gate stays shut, 0 when open"),
    _gauge("teacher_concurrency", "teacher", "calls that the fleet gives the teacher at once now"),
    _gauge("teacher_calls_sent", "teacher", "calls that are with the teacher at this moment"),
    _gauge("teacher_calls_waiting", "teacher", "calls that wait for gate, budget or their turn"),
    _gauge("teacher_rate_per_minute", "teacher", "rate that its refusals have taught the fleet"),
    _gauge("oldest_ready_slot_seconds", "", "age of the oldest call that could be made and is not"),
    _gauge(
        "oldest_candidate_seconds", "", "age of the oldest instruction that waits for admission"
    ),
    _gauge("oldest_export_seconds", "", "age of the oldest export that nobody has begun"),
    _gauge("sweep_age_seconds", "", "seconds since the last sweep"),
    _gauge("workers", "kind", "workers with a heartbeat within the lease, by kind"),
)

# Counted by each web process for itself.
OWN: Sequence[Metric] = (
    _counter("http_requests", "method route status", "requests that this process has answered"),
    Metric(
        "cultivar_http_request_seconds",
        MetricKind.HISTOGRAM,
        ("method", "route"),
        "how long it took to answer them",
    ),
)

METRICS: Sequence[Metric] = (*SHARED, *OWN)
