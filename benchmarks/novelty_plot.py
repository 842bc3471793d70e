"""The growth curve of the novelty benchmark as SVG, both axes logarithmic."""

import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 30, 50
COLOURS = ("#1b6ca8", "#c0561f", "#6b7280", "#8b1e3f", "#2f7d4f")


@dataclass(frozen=True)
class Series:
    """One line: (rows in the pool, milliseconds a candidate) points."""

    name: str
    points: list[tuple[int, float]]


def drawn(series: list[Series]) -> str:
    """Return the SVG document."""
    rows = [row for each in series for row, _ in each.points]
    times = [time for each in series for _, time in each.points]
    x_low, x_high = math.log10(min(rows)), math.log10(max(rows) * 1.01)
    y_low, y_high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))

    def x(row: float) -> float:
        share = (math.log10(row) - x_low) / max(1e-9, x_high - x_low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(time: float) -> float:
        share = (math.log10(time) - y_low) / max(1, y_high - y_low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="18">Milliseconds a candidate by rows in the pool</text>',
    ]
    for power in range(y_low, y_high + 1):
        at = y(10**power)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>'
            f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g}</text>'
        )
    for row in sorted({row for row, _ in series[0].points}):
        at = x(row)
        parts.append(
            f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">'
            f"{short(row)}</text>"
        )
    labels: list[float] = []
    for each, colour in zip(series, COLOURS, strict=False):
        line = " ".join(f"{x(row):.1f},{y(time):.1f}" for row, time in each.points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x(row):.1f}" cy="{y(time):.1f}" r="3" fill="{colour}"/>'
            for row, time in each.points
        ]
        last_row, last_time = each.points[-1]
        at = y(last_time) + 4
        while any(abs(at - other) < 14 for other in labels):
            at -= 14
        labels.append(at)
        parts.append(
            f'<text x="{x(last_row) + 8:.1f}" y="{at:.1f}" fill="{colour}">'
            f"{escape(each.name)}</text>"
        )
    return "\n".join([*parts, "</svg>", ""])


def short(rows: int) -> str:
    """Write 52000 as 52K and 1000000 as 1M."""
    return f"{rows / 1e6:g}M" if rows >= 1_000_000 else f"{rows / 1000:g}K"
