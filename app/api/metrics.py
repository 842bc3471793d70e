"""The metrics of the service, and of this process, as Prometheus reads them."""

import threading
from collections.abc import Callable, Iterator
from time import monotonic

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
)
from prometheus_client.metrics_core import (
    Metric as Family,
)
from prometheus_client.registry import Collector
from starlette.types import Scope

from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.domain.metrics import OWN, SHARED, Metric, MetricKind, Samples
from app.errors import Unavailable

FRESH_S = 1.0
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
router = APIRouter(tags=["health"], route_class=StrictRoute)


class MetricsBoard:
    """What this process shows of the service: computed once a second at most, from any thread."""

    def __init__(
        self, compute: Callable[[], Samples], monotonic_s: Callable[[], float] = monotonic
    ) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._compute = compute
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._samples: Samples = {}
        self._computed_s = float("-inf")
        requests, seconds = OWN
        self._requests = Counter(
            requests.name, requests.meaning, requests.labels, registry=self.registry
        )
        self._seconds = Histogram(
            seconds.name, seconds.meaning, seconds.labels, registry=self.registry
        )
        self.registry.register(_Shared(self._fresh))
        ProcessCollector(registry=self.registry)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)

    def answered(self, scope: Scope, status: int, elapsed_s: float) -> str:
        """Count a request by the pattern of its address, so that labels stay few; returns that."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        route: str = getattr(scope.get("route"), "path", None) or "none"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(elapsed_s)
        return route

    def _fresh(self) -> Samples:
        with self._lock:
            if self._monotonic_s() - self._computed_s >= FRESH_S:
                try:
                    self._samples = self._compute()
                except Unavailable:
                    self._samples = {"cultivar_database_up": {(): 0.0}}
                self._computed_s = self._monotonic_s()
            return self._samples


class _Shared(Collector):
    def __init__(self, fresh: Callable[[], Samples]) -> None:
        self._fresh = fresh

    def collect(self) -> Iterator[Family]:
        samples = self._fresh()
        for metric in SHARED:
            family = _family(metric)
            for labels, value in samples.get(metric.name, {}).items():
                family.add_metric(labels, value)
            yield family


def _family(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if metric.kind is MetricKind.COUNTER else GaugeMetricFamily
    return kind(metric.name, metric.meaning, labels=metric.labels)


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses=problems(),
    openapi_extra={"x-produces": ["text/plain"]},
)
def metrics(request: Request) -> Response:
    """The service in figures, for Prometheus; docs/operations.md lists them."""
    board: MetricsBoard = request.app.state.metrics_board
    return Response(board.text(), media_type=CONTENT_TYPE_LATEST)
