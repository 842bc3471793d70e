"""Charts as SVG, drawn with numbers alone: bars, a curve, and the paper's two rings."""

import math
from collections.abc import Sequence
from html import escape

from app.domain.report import Histogram
from app.domain.verb_nouns import VerbNouns

_WIDTH, _HEIGHT, _LEFT, _BELOW = 560, 220, 56, 28
_COLOURS = ("#3b6ea5", "#d08c3f", "#5b9279", "#a8546a", "#7a6ea8", "#8c8c46", "#4f9aa8", "#b0705a")


def bars(found: Histogram, title: str) -> str:
    """A histogram; each bar tells its count when it is pointed at."""
    most = max(found.counts, default=0) or 1
    width = (_WIDTH - _LEFT) / max(1, len(found.counts))
    parts: list[str] = []
    for at, count in enumerate(found.counts):
        height = (_HEIGHT - _BELOW - 10) * count / most
        x, y = _LEFT + at * width, _HEIGHT - _BELOW - height
        told = f"{found.edges[at]:g} to {found.edges[at + 1]:g}: {count:,}"
        parts.append(
            f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{max(1.0, width - 2):.1f}" '
            f'height="{height:.1f}" fill="{_COLOURS[0]}"><title>{told}</title></rect>'
        )
    ends = [f"{found.edges[0]:g}", f"{found.edges[-1]:g}"]
    told = f"{title}: mean {found.mean:.3g}, {sum(found.counts):,} values"
    return _svg(parts, top=f"{most:,}", ends=ends, told=told)


def curve(
    points: Sequence[tuple[float, float]], title: str, *, top: str, ends: Sequence[str]
) -> str:
    """A line through points whose coordinates are in [0, 1], from left to right."""
    inner_width, inner_height = _WIDTH - _LEFT - 6, _HEIGHT - _BELOW - 10
    places = " ".join(
        f"{_LEFT + x * inner_width:.1f},{_HEIGHT - _BELOW - y * inner_height:.1f}"
        for x, y in points
    )
    line = f'<polyline points="{places}" fill="none" stroke="{_COLOURS[0]}" stroke-width="2"/>'
    told = f"{title}, from {ends[0]} to {ends[-1]}, top {top}"
    return _svg([line] if points else [], top=top, ends=ends, told=told)


def rings(verbs: Sequence[VerbNouns]) -> str:
    """Verbs inside, their objects outside, as Self-Instruct plots them."""
    total = sum(each.count for each in verbs)
    parts: list[str] = []
    at = 0.0
    for number, each in enumerate(verbs):
        colour, share = _COLOURS[number % len(_COLOURS)], each.count / total
        parts.append(_ring(at, at + share, (60, 130), colour, f"{each.verb}: {each.count:,}"))
        parts += [_label(at + share / 2, 95, each.verb)] if share > 0.015 else []
        begin = at
        for noun, count in each.nouns.items():
            end = begin + count / total
            told = f"{each.verb} {noun}: {count:,}"
            parts.append(_ring(begin, end, (134, 200), colour, told, 0.55))
            parts += [_label((begin + end) / 2, 167, noun)] if end - begin > 0.012 else []
            begin = end
        at += share
    body = "".join(parts)
    told = "verbs and their objects: " + ", ".join(f"{each.verb} {each.count:,}" for each in verbs)
    return (
        f'<svg viewBox="-210 -210 420 420" width="420" height="420" role="img" '
        f'aria-label="{escape(told)}">{body}</svg>'
    )


def _ring(
    begin: float, end: float, radii: tuple[int, int], colour: str, told: str, opacity: float = 1.0
) -> str:
    inner, outer = radii
    end = min(end, begin + 0.9999)
    large = int(end - begin > 0.5)
    corners = [*(_point(each, outer) for each in (begin, end)), _point(end, inner)]
    last = _point(begin, inner)
    path = (
        f"M{corners[0]} A{outer} {outer} 0 {large} 1 {corners[1]} L{corners[2]} "
        f"A{inner} {inner} 0 {large} 0 {last} Z"
    )
    return (
        f'<path d="{path}" fill="{colour}" fill-opacity="{opacity:g}" stroke="#fff">'
        f"<title>{escape(told)}</title></path>"
    )


def _point(turn: float, radius: float) -> str:
    angle = 2 * math.pi * turn - math.pi / 2
    return f"{radius * math.cos(angle):.2f} {radius * math.sin(angle):.2f}"


def _label(turn: float, radius: float, text: str) -> str:
    x, y = _point(turn, radius).split(" ")
    degrees = 360 * turn - 90
    degrees = degrees + 180 if 90 < degrees % 360 < 270 else degrees
    return (
        f'<text x="{x}" y="{y}" font-size="9" text-anchor="middle" dominant-baseline="middle" '
        f'transform="rotate({degrees:.1f} {x} {y})">{escape(text[:14])}</text>'
    )


def _svg(parts: Sequence[str], *, top: str, ends: Sequence[str], told: str) -> str:
    floor = _HEIGHT - _BELOW
    frame = (
        f'<path d="M{_LEFT} 10 V{floor} H{_WIDTH}" fill="none" stroke="#888"/>'
        f'<text x="{_LEFT - 6}" y="18" font-size="12" text-anchor="end">{escape(top)}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 8}" font-size="12">{escape(ends[0])}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT - 8}" font-size="12" text-anchor="end">'
        f"{escape(ends[-1])}</text>"
    )
    body = "".join(parts)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'role="img" aria-label="{escape(told)}">{body}{frame}</svg>'
    )
