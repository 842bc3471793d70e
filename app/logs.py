"""Logs as JSON lines on standard error: ids and kinds, never a key, never a text."""

import io
import json
import logging
import re
import sys
import traceback
from collections.abc import Collection, Iterator, MutableMapping
from typing import Any, TextIO, cast

import structlog

_MOST_CAUSES = 5
_OWN = ("app", "workers")
_EXTRAS = structlog.stdlib.ExtraAdder()
_WEB_SERVER = ("uvicorn", "uvicorn.error", "uvicorn.access")
_MASK = "[key]"
_LOOKS_SECRET = re.compile(
    r"\bsk-[A-Za-z0-9_*.\-]{4,}"
    r"|\bcvr_[a-z0-9]+_[\w\-]{8,}"  # our own, which somebody put into an address
    r"|(?<=ticket=)[\w\-]{8,}"  # of a login, which is good until it comes through
    r"|(?<=bearer )[^\s\"',;\\]{6,}"
    r"|(?<=://)[^\s\"/@:]*:[^\s\"/@]+(?=@)",  # a password in an address
    re.IGNORECASE,
)
_SHORTEST_SECRET = 6


class _StandardError(io.TextIOBase):
    """Standard error as it is when a line is written, whoever has replaced it since."""

    def write(self, text: str, /) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


_STANDARD_ERROR = _StandardError()


def configure_logs(level: str, secrets: Collection[str] = ()) -> None:
    """Send structlog and the standard library's loggers to standard error from `level` up.

    DEBUG is for our own lines; the frequent ones come by the standard library's loggers, which cost
    nothing while nobody listens. Libraries say at that level what they send and receive, which is
    keys and texts, so they begin at INFO. Whatever is written, `secrets` and what looks like a key
    are masked in it.
    """
    masked = _Masked(secrets)
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    chain: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        _exception_without_words,
    ]
    structlog.configure(
        processors=[*chain, masked],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _STANDARD_ERROR)),
        cache_logger_on_first_use=True,
    )
    names = [structlog.stdlib.add_logger_name, _own_extras]
    _configure_libraries(number, [*chain, *names], masked)


class _Masked:
    """Renders a line as JSON, and masks in it the secrets of this process and what looks like one.

    The last thing that happens to a line, so nothing that a library quotes goes past it.
    """

    def __init__(self, secrets: Collection[str]) -> None:
        self._render = structlog.processors.JSONRenderer()
        known = {json.dumps(each)[1:-1] for each in secrets if len(each) >= _SHORTEST_SECRET}
        self._known = sorted(known, key=len, reverse=True)

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        line = str(self._render(logger, method, event))
        for secret in self._known:
            line = line.replace(secret, _MASK)
        return _LOOKS_SECRET.sub(_MASK, line)


def _configure_libraries(level: int, chain: list[Any], masked: _Masked) -> None:
    handler = logging.StreamHandler(_STANDARD_ERROR)
    handler.addFilter(_task_without_words)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=chain,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                masked,
            ],
        )
    )
    logging.basicConfig(level=max(level, logging.INFO), handlers=[handler], force=True)
    for name in _OWN:
        logging.getLogger(name).setLevel(level)
    for name in _WEB_SERVER:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def _own_extras(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """What our own lines carry besides their name; Celery's carry arguments and tracebacks."""
    if str(event.get("logger", "")).startswith(tuple(f"{name}." for name in _OWN)):
        return _EXTRAS(logger, method, event)
    return event


def _exception_without_words(
    _: object, __: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """An exception by classes and places: a message may quote a row, a prompt or a header."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = [_place(each) for each in _causes(error)]
    return event


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if found is None:
            return
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _place(error: BaseException) -> dict[str, object]:
    frames = traceback.extract_tb(error.__traceback__)
    kind = type(error)
    return {
        "type": f"{kind.__module__}.{kind.__qualname__}",
        "sqlstate": getattr(getattr(error, "orig", error), "sqlstate", None),
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _task_without_words(record: logging.LogRecord) -> bool:
    """Celery puts the words of an exception into the line on a failed task; they are taken out."""
    if isinstance(record.args, dict) and "traceback" in record.args:
        kind = record.exc_info[0] if record.exc_info else None
        named = kind.__name__ if kind else "an error"
        record.args = {**record.args, "exc": named, "traceback": ""}
    return True
