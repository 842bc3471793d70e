"""The worth curve as one SVG: loss against rows, each run a dot, the base a dashed line."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from app.domain.worth import Mean, Outcome, Source, means

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BELOW = 640, 400, 64, 16, 48, 76
_COLOURS: Mapping[Source, str] = {
    Source.ROWS: "#2f7d57",
    Source.SEEDS: "#d08c3f",
    Source.POOL: "#a8546a",
}
_WORDS: Mapping[Source, str] = {
    Source.ROWS: "the rows",
    Source.SEEDS: "seeds alone",
    Source.POOL: "unfiltered pool",
}


class _Field:
    """Rows on a logarithmic axis and losses on a linear one, as places in the picture."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        rows = [each.rows for each in outcomes]
        losses = [*(each.loss for each in outcomes), *(each.base_loss for each in outcomes)]
        self._low, self._high = math.log(min(rows) / 1.3), math.log(max(rows) * 1.3)
        room = 0.08 * (max(losses) - min(losses)) or 0.1
        self._least, self._most = min(losses) - room, max(losses) + room

    def x(self, rows: float) -> float:
        share = (math.log(rows) - self._low) / (self._high - self._low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, loss: float) -> float:
        share = (self._most - loss) / (self._most - self._least)
        return _TOP + share * (_HEIGHT - _TOP - _BELOW)

    @property
    def ticks(self) -> Sequence[float]:
        return [self._least + part * (self._most - self._least) / 4 for part in range(5)]


def chart(outcomes: Sequence[Outcome], title: str) -> str:
    """The picture; needs at least one outcome. Every mark tells its numbers when pointed at."""
    field, found = _Field(outcomes), means(outcomes)
    curated = [each for each in found if each.source is Source.ROWS]
    parts = [
        *_axes(field, sorted({each.rows for each in found})),
        _base(field, sum(each.base_loss for each in outcomes) / len(outcomes)),
        _line(field, curated),
        *(_dot(field, each) for each in outcomes),
        *(_whisker(field, each) for each in found),
        *_legend([source for source in Source if any(each.source is source for each in found)]),
    ]
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" role="img" '
        f'aria-label="{escape(title)}">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>\n'
        f'<text x="{_LEFT}" y="26" font-size="15" font-weight="600">{escape(title)}</text>\n'
        f"{body}\n</svg>\n"
    )


def _axes(field: _Field, sizes: Sequence[int]) -> Sequence[str]:
    floor = _HEIGHT - _BELOW
    lines = [f'<path d="M{_LEFT} {_TOP} V{floor} H{_WIDTH - _RIGHT}" fill="none" stroke="#888"/>']
    for loss in field.ticks:
        y = f"{field.y(loss):.1f}"
        lines.append(f'<path d="M{_LEFT} {y} H{_WIDTH - _RIGHT}" stroke="#e4e4e4"/>')
        lines.append(_text(_LEFT - 6, float(y) + 4, f"{loss:.3f}", "end"))
    last = -math.inf
    for rows in sizes:
        if field.x(rows) - last >= 44:
            last = field.x(rows)
            lines.append(_text(last, floor + 18, f"{rows:,}", "middle"))
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    return [*lines, _text(middle, floor + 38, "rows trained on (logarithmic)", "middle")]


def _base(field: _Field, loss: float) -> str:
    y = f"{field.y(loss):.1f}"
    return (
        f'<path d="M{_LEFT} {y} H{_WIDTH - _RIGHT}" stroke="#555" stroke-dasharray="5 4">'
        f"<title>the base: {loss:.4f}</title></path>"
        + _text(_WIDTH - _RIGHT - 4, float(y) - 5, "base", "end")
    )


def _line(field: _Field, found: Sequence[Mean]) -> str:
    places = " ".join(f"{field.x(each.rows):.1f},{field.y(each.loss):.1f}" for each in found)
    colour = _COLOURS[Source.ROWS]
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _dot(field: _Field, each: Outcome) -> str:
    words = f"{_WORDS[each.arm.source]}, {each.rows:,} rows, repeat {each.arm.repeat}"
    return (
        f'<circle cx="{field.x(each.rows):.1f}" cy="{field.y(each.loss):.1f}" r="4" '
        f'fill="{_COLOURS[each.arm.source]}" fill-opacity="0.55">'
        f"<title>{words}: {each.loss:.4f}</title></circle>"
    )


def _whisker(field: _Field, each: Mean) -> str:
    x, colour = f"{field.x(each.rows):.1f}", _COLOURS[each.source]
    told = f"{_WORDS[each.source]}: {each.loss:.4f} ({each.low:.4f} to {each.high:.4f})"
    return (
        f'<path d="M{x} {field.y(each.high):.1f} V{field.y(each.low):.1f}" stroke="{colour}" '
        f'stroke-width="1.5"><title>{told}</title></path>'
    )


def _legend(sources: Sequence[Source]) -> Sequence[str]:
    parts: list[str] = []
    for at, source in enumerate(sources):
        x, y = _LEFT + 150 * at, _HEIGHT - 14
        parts.append(f'<circle cx="{x + 5}" cy="{y - 4}" r="4" fill="{_COLOURS[source]}"/>')
        parts.append(_text(x + 14, y, _WORDS[source], "start"))
    return parts


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="12" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )
