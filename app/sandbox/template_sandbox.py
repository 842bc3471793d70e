"""Renders templates of strangers in a child process; what ends the child costs only its own row."""

import dataclasses
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self, cast

import orjson

from app.domain.templates import (
    Inspection,
    Outcome,
    Rendered,
    Skipped,
    SkipReason,
    SyntaxFault,
    Template,
)
from app.errors import Unavailable
from app.sandbox.child_process import ChildGone, ChildProcess
from app.sandbox.frames import json_bytes
from app.sandbox.limits import SandboxLimits

_CHILD = "app.sandbox.template_child"
_BATCH_ROWS = 64
_BATCH_BYTES = 1 << 20
_USUAL = SandboxLimits()


@dataclass(frozen=True, slots=True)
class RowOrder:
    """A row and the positions of the templates that are wanted of it; `row` sows the chance."""

    row: int
    fields: Mapping[str, object]
    templates: Sequence[int]


@dataclass(frozen=True, slots=True)
class PairOutcome:
    """What one template made of one row."""

    order: RowOrder
    template: int
    outcome: Outcome


class TemplateSandbox:
    """Use it as a context; rows go in, outcomes come out in the same order, batch by batch."""

    def __init__(
        self,
        templates: Sequence[Template],
        *,
        seed: int = 0,
        truncate: int | None = None,
        limits: SandboxLimits = _USUAL,
    ) -> None:
        self._templates = templates
        self._limits = limits
        self._settings = {
            "seed": seed,
            "max_characters": limits.max_characters,
            "truncate": truncate,
        }
        self._child: ChildProcess | None = None
        self._stops: Counter[int] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_child()

    def inspect(self) -> list[Inspection | SyntaxFault | Skipped]:
        """What each template needs, or why it is none, or how it ended the child.

        A template that ends the child while it is only read is set aside.
        """
        return [self._inspected(position) for position in range(len(self._templates))]

    def render(self, orders: Iterable[RowOrder]) -> Iterator[PairOutcome]:
        """Carry out the orders, lazily; raises Unavailable when no child can be started."""
        for batch in _batches(orders):
            yield from self._rendered(batch)

    def _inspected(self, position: int) -> Inspection | SyntaxFault | Skipped:
        try:
            child = self._running()
            child.send([{"inspect": position}], self._limits.wall_s)
            return _inspection(child.receive(self._limits.wall_s))
        except ChildGone as gone:
            self._end_child()
            self._stops[position] = self._limits.stops
            return Skipped(gone.reason, gone.detail)

    def _rendered(self, batch: "Sequence[_Written]") -> Iterator[PairOutcome]:
        pairs = deque((each, template) for each in batch for template in each.order.templates)
        while pairs:
            try:
                self._running().send(self._messages(pairs), self._limits.wall_s)
                yield from self._received(pairs)
            except ChildGone as gone:
                self._end_child()
                row, template = pairs.popleft()
                self._stops[template] += 1
                yield PairOutcome(row.order, template, Skipped(gone.reason, gone.detail))

    def _messages(self, pairs: "Iterable[tuple[_Written, int]]") -> list[dict[str, object]]:
        wanted: dict[int, tuple[_Written, list[int]]] = {}
        for row, template in pairs:
            if self._answered(row, template) is None:
                wanted.setdefault(id(row), (row, []))[1].append(template)
        return [
            {"row": row.order.row, "fields": orjson.Fragment(row.body), "templates": templates}
            for row, templates in wanted.values()
        ]

    def _received(self, pairs: "deque[tuple[_Written, int]]") -> Iterator[PairOutcome]:
        """Take answers until no pair is left; the pair that ends the child stays the first one."""
        child = self._running()
        while pairs:
            row, template = pairs[0]
            outcome = self._answered(row, template)
            if outcome is None:
                outcome = _outcome(child.receive(self._limits.wall_s))
            pairs.popleft()
            yield PairOutcome(row.order, template, outcome)

    def _answered(self, row: "_Written", template: int) -> Outcome | None:
        """What becomes of a pair that is not worth asking the child for."""
        if row.fault:
            return Skipped(SkipReason.ERROR, row.fault)
        if self._set_aside(template):
            ended = f"the template ended its process {self._limits.stops} times"
            return Skipped(SkipReason.SET_ASIDE, ended)
        return None

    def _set_aside(self, template: int) -> bool:
        return self._stops[template] >= self._limits.stops

    def _running(self) -> ChildProcess:
        if self._child is None:
            self._child = self._started()
        return self._child

    def _started(self) -> ChildProcess:
        setup = {
            "templates": [dataclasses.asdict(each) for each in self._templates],
            "settings": self._settings,
            "memory_bytes": self._limits.memory_bytes,
            "cpu_s": self._limits.cpu_s,
        }
        frame_bytes = self._limits.max_characters * 24 + (1 << 16)
        start_s = self._limits.start_s
        try:
            return ChildProcess(_CHILD, setup, start_s=start_s, frame_bytes=frame_bytes)
        except (ChildGone, OSError) as error:
            raise Unavailable(
                f"The process that renders templates cannot start: {error}"
            ) from error

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None


@dataclass(frozen=True, slots=True)
class _Written:
    """An order with its row as JSON, or why the row cannot be written so."""

    order: RowOrder
    body: bytes = b""
    fault: str = ""


def _written(order: RowOrder) -> _Written:
    try:
        return _Written(order, json_bytes(order.fields))
    except (orjson.JSONEncodeError, RecursionError) as error:
        return _Written(order, fault=f"the row cannot be handed over: {error}")


def _batches(orders: Iterable[RowOrder]) -> Iterator[list[_Written]]:
    batch: list[_Written] = []
    size = 0
    for written in map(_written, orders):
        batch.append(written)
        size += len(written.body)
        if len(batch) == _BATCH_ROWS or size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _inspection(answer: object) -> Inspection | SyntaxFault:
    match answer:
        case {"columns": [*columns], "fixed_choices": None | [*_] as choices}:
            fixed = None if choices is None else tuple(map(str, cast("list[object]", choices)))
            return Inspection(tuple(map(str, columns)), fixed)
        case {"detail": str(detail), "line": int(line)}:
            return SyntaxFault(detail, line)
        case _:
            raise ChildGone(SkipReason.CRASHED, "the child's answer is no answer")


def _outcome(answer: object) -> Outcome:
    match answer:
        case {"input": str(given), "target": str(target), "options": [*options]}:
            return Rendered(given, target, tuple(map(str, options)))
        case {"reason": str(reason), "detail": str(detail)} if reason in {*SkipReason}:
            return Skipped(SkipReason(reason), detail)
        case _:
            raise ChildGone(SkipReason.CRASHED, "the child's answer is no answer")
