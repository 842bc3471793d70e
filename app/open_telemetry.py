"""Spans by the OpenTelemetry SDK, sent over OTLP; the only module that imports it."""

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

Attribute = str | int | float | bool
_NANO = 1_000_000_000


def exporting(service: str) -> "OpenTelemetryTracer":
    """A tracer that sends to where the usual OTEL_* variables say."""
    name = os.environ.get("OTEL_SERVICE_NAME") or f"cultivar-{service}"
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OpenTelemetryTracer(provider)


@dataclass(frozen=True, slots=True)
class _Span:
    inner: trace.Span

    def set(self, **attributes: Attribute) -> None:
        """Add what is known by now."""
        for name, value in attributes.items():
            self.inner.set_attribute(f"cultivar.{name}", value)


class OpenTelemetryTracer:
    """Implements `app.traces.Tracer`."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("cultivar")

    def span(
        self, name: str, *, server: bool, attributes: dict[str, Attribute]
    ) -> AbstractContextManager[_Span]:
        """A span around a block."""
        return self._span(name, SpanKind.SERVER if server else SpanKind.INTERNAL, attributes)

    @contextmanager
    def _span(self, name: str, kind: SpanKind, attributes: dict[str, Attribute]) -> Iterator[_Span]:
        # The SDK would keep the message of an exception, and a message may quote a text.
        with self._tracer.start_as_current_span(
            name,
            kind=kind,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as inner:
            try:
                yield _Span(inner)
            except BaseException as error:
                inner.set_attribute("error.type", type(error).__name__)
                inner.set_status(StatusCode.ERROR)
                raise

    def current(self) -> Context:
        """The span of this thread, within what OpenTelemetry calls a context."""
        return context.get_current()

    def record(
        self, name: str, *, parent: object, elapsed_s: float, attributes: dict[str, Attribute]
    ) -> None:
        """A request of ours that has just ended."""
        ended = time.time_ns()
        span = self._tracer.start_span(
            name,
            context=parent if isinstance(parent, Context) else None,
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=ended - int(elapsed_s * _NANO),
        )
        span.end(end_time=ended)

    def close(self) -> None:
        """Send what has not been sent."""
        self._provider.shutdown()
