"""The child: reads templates, then batches of rows, and answers each pair in the order it came.

The first message holds the templates and their settings. Each further one is a list of orders:
`{"row", "fields", "templates"}` asks for renderings, `{"inspect"}` for what a template needs. Every
pair is answered by a message of its own, so that whoever reads knows at which pair the child died.
"""

import codecs
import dataclasses
import pprint
import signal
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import jinja2.constants
import jinja2.debug
import orjson

from app.domain.template_rendering import Renderer
from app.domain.templates import Outcome, Skipped, SkipReason, Template
from app.sandbox.frames import packed, read_frame
from app.sandbox.limits import confine

# Jinja looks for these when it needs them, which is when no file can be opened any more.
LATE_MODULES = (jinja2.constants, jinja2.debug, pprint, textwrap)
LATE_CODECS = ("ascii", "unicode-escape", "latin-1", "utf-8")


def main() -> None:
    """Serve until the pipe ends."""
    setup: Any = read_frame(sys.stdin.buffer)
    templates = [Template(**each) for each in setup["templates"]]
    renderer = Renderer(templates, **setup["settings"])
    for name in LATE_CODECS:
        codecs.lookup(name)
    confine(setup["memory_bytes"])
    _answer(packed("ready"))
    while (orders := read_frame(sys.stdin.buffer)) is not None:
        _carry_out(renderer, orders, setup["cpu_s"])


def _carry_out(renderer: Renderer, orders: Any, cpu_s: float) -> None:
    for order in orders:
        for answer in _answers(renderer, order, cpu_s):
            _answer(answer)


def _answers(renderer: Renderer, order: Any, cpu_s: float) -> Iterator[bytes]:
    if "inspect" in order:
        _allow(cpu_s)
        found = renderer.inspect(order["inspect"])
        yield packed(dataclasses.asdict(found))
        return
    copied = orjson.dumps(order["fields"])
    for position in order["templates"]:
        _allow(cpu_s)
        yield _packed_outcome(renderer.render(position, order["row"], orjson.loads(copied)))


def _allow(cpu_s: float) -> None:
    """From here on so many seconds of processor time; then the kernel ends this process.

    A handler in Python would not run while one long operation goes on in C.
    """
    signal.setitimer(signal.ITIMER_PROF, cpu_s)


def _packed_outcome(outcome: Outcome) -> bytes:
    try:
        return packed(dataclasses.asdict(outcome))
    except orjson.JSONEncodeError:
        return packed(
            dataclasses.asdict(
                Skipped(SkipReason.NOT_TEXT, "a lone surrogate, which is no character")
            )
        )


def _answer(message: bytes) -> None:
    sys.stdout.buffer.write(message)
    sys.stdout.buffer.flush()
