"""Spans of what the service does, by ids and never by text; nothing until someone listens."""

import importlib
from contextlib import AbstractContextManager
from typing import Protocol

import structlog

Attribute = str | int | float | bool
_log = structlog.get_logger(__name__)


class Span(Protocol):
    """A span under way."""

    def set(self, **attributes: Attribute) -> None:
        """Add what is known by now."""
        ...


class Tracer(Protocol):
    """What takes spans; see `app.open_telemetry`."""

    def span(
        self, name: str, *, server: bool, attributes: dict[str, Attribute]
    ) -> AbstractContextManager[Span]:
        """A span around a block; a failure is noted by its class alone."""
        ...

    def current(self) -> object:
        """The span of this thread, for `record` in another one."""
        ...

    def record(
        self, name: str, *, parent: object, elapsed_s: float, attributes: dict[str, Attribute]
    ) -> None:
        """A request of ours to somebody else, which has just ended."""
        ...

    def close(self) -> None:
        """Send what has not been sent."""
        ...


class _NoSpan:
    def set(self, **_: Attribute) -> None:
        """Nobody listens."""

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class _Listener:
    tracer: Tracer | None = None


_NO_SPAN = _NoSpan()
_listener = _Listener()


def span(name: str, **ids: Attribute) -> AbstractContextManager[Span]:
    """A span around a block, with ids as attributes."""
    if _listener.tracer is None:
        return _NO_SPAN
    return _listener.tracer.span(f"cultivar.{name}", server=False, attributes=_named(ids))


def server_span(name: str, **ids: Attribute) -> AbstractContextManager[Span]:
    """The same, for what somebody else asked for."""
    if _listener.tracer is None:
        return _NO_SPAN
    return _listener.tracer.span(f"cultivar.{name}", server=True, attributes=_named(ids))


def current() -> object:
    """The span of this thread, or None."""
    return None if _listener.tracer is None else _listener.tracer.current()


def record(name: str, *, parent: object, elapsed_s: float, **ids: Attribute) -> None:
    """Note a request of ours that has just ended."""
    if _listener.tracer is not None:
        _listener.tracer.record(
            f"cultivar.{name}", parent=parent, elapsed_s=elapsed_s, attributes=_named(ids)
        )


def _named(ids: dict[str, Attribute]) -> dict[str, Attribute]:
    return {f"cultivar.{name}": value for name, value in ids.items()}


def listen(tracer: Tracer | None) -> None:
    """Give every span to this tracer from now on; None ends it."""
    before, _listener.tracer = _listener.tracer, tracer
    if before is not None:
        before.close()


def start(service: str, endpoint: str | None) -> None:
    """Send spans to an OpenTelemetry collector, where one is named; `service` is what we are.

    The library is imported only here, so whoever traces nothing neither needs it nor pays for it.
    """
    if not endpoint:
        return
    try:
        library = importlib.import_module("app.open_telemetry")
    except ModuleNotFoundError as error:
        _log.warning("traces_not_sent", missing=error.name, mend="pip install 'cultivar[otel]'")
        return
    listen(library.exporting(service))
