"""Curves as SVG paths on a field of 300 by 100, drawn by the server from samples of a job."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.dashboard.numbers import dollars, duration, number
from app.domain.stored import JobProgress
from app.domain.watching import JobSample, JobStory

WIDTH, HEIGHT = 300, 100
MOST_POINTS = 60
# Rates are taken over this share of the job's life, so that a short pause is no chasm.
_WINDOW_SHARE = 1 / 15
_TOP_ROOM = 1.08

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """One chart: what it is called, its newest value in words, its paths, and its axis.

    `limit` is the height of a dashed line, None without one; `told` says all of it in words.
    """

    title: str
    value: str
    line: str
    area: str
    limit: float | None
    top: str
    span: str
    told: str


def curves(progress: JobProgress, story: JobStory) -> Sequence[Curve]:
    """Rows a minute, the share of candidates that are novel, and money, over the job's life."""
    samples = _thinned(_whole(progress, story))
    if len(samples) < 2:
        return ()
    drawn = (_rate(progress, samples), _novelty(samples), _money(progress, samples))
    return [each for each in drawn if each is not None]


def _whole(progress: JobProgress, story: JobStory) -> Sequence[JobSample]:
    """The samples, with the beginning before them and the present behind them."""
    job = progress.job
    if job.started_at is None:
        return ()
    end = job.finished_at or story.now
    begun = JobSample(job.started_at, 0, 0, 0, 0, 0, 0)
    present = JobSample(
        at=end,
        accepted=progress.accepted_rows,
        candidates=sum(n for name, n in progress.candidates.items() if name != "proposed"),
        novel=progress.candidates.get("novel", 0),
        dropped=sum(progress.drops.values()),
        calls=job.calls,
        spent_micro_usd=job.spent_micro_usd,
    )
    taken = [each for each in story.samples if job.started_at < each.at < end]
    return [begun, *taken, present]


def _thinned(samples: Sequence[JobSample]) -> Sequence[JobSample]:
    """About as many samples as a chart shows, evenly over time; the last always."""
    if len(samples) <= MOST_POINTS:
        return samples
    first, last = samples[0].at, samples[-1].at
    step = (last - first) / MOST_POINTS
    kept, due = [samples[0]], first + step
    for each in samples[1:-1]:
        if each.at >= due:
            kept.append(each)
            due = each.at + step
    return [*kept, samples[-1]]


def _windows(samples: Sequence[JobSample]) -> Iterator[tuple[JobSample, JobSample]]:
    """Each sample with the newest one that is a window before it, or else the first."""
    window_s = _seconds(samples, samples[-1]) * _WINDOW_SHARE
    behind = 0
    for at in range(1, len(samples)):
        here = samples[at]
        while (here.at - samples[behind + 1].at).total_seconds() >= window_s > 0:
            behind += 1
        yield samples[behind], here


def _rate(progress: JobProgress, samples: Sequence[JobSample]) -> Curve:
    points = [
        (_seconds(samples, here), _per_minute(then, here)) for then, here in _windows(samples)
    ]
    mean = _per_minute(samples[0], samples[-1])
    ended = progress.job.finished_at is not None
    return _drawn(
        "rows a minute, on average" if ended else "rows a minute",
        points,
        samples,
        top=max(rate for _, rate in points),
        words=lambda value: number(round(value)),
        value=mean if ended else None,
    )


def _per_minute(then: JobSample, here: JobSample) -> float:
    minutes = (here.at - then.at).total_seconds() / 60
    return (here.accepted - then.accepted) / minutes if minutes > 0 else 0.0


def _novelty(samples: Sequence[JobSample]) -> Curve | None:
    """Of the candidates judged in a window, how many were novel: it falls as a pool fills."""
    points: list[Point] = []
    for then, here in _windows(samples):
        judged = here.candidates - then.candidates
        if judged > 0:
            share = min(1.0, max(0.0, (here.novel - then.novel) / judged))
            points.append((_seconds(samples, here), 100 * share))
        elif points:
            points.append((_seconds(samples, here), points[-1][1]))
    if not points:
        return None
    return _drawn(
        "novel instructions", points, samples, top=100, words=lambda value: f"{value:.0f} %"
    )


def _money(progress: JobProgress, samples: Sequence[JobSample]) -> Curve:
    points = [(_seconds(samples, each), float(each.spent_micro_usd)) for each in samples]
    cap = progress.job.cap_micro_usd
    highest = max(points[-1][1], float(cap or 0))
    return _drawn(
        "spent",
        points,
        samples,
        top=highest,
        words=lambda value: dollars(round(value)),
        limit=float(cap) if cap else None,
    )


def _seconds(samples: Sequence[JobSample], here: JobSample) -> float:
    return (here.at - samples[0].at).total_seconds()


def _drawn(
    title: str,
    points: Sequence[Point],
    samples: Sequence[JobSample],
    *,
    top: float,
    words: Callable[[float], str],
    limit: float | None = None,
    value: float | None = None,
) -> Curve:
    whole_s = _seconds(samples, samples[-1]) or 1.0
    scale = (top * _TOP_ROOM) or 1.0
    placed = [
        (round(WIDTH * seconds / whole_s, 1), round(HEIGHT * (1 - value / scale), 1))
        for seconds, value in points
    ]
    line = "M" + "L".join(f"{x:g} {y:g}" for x, y in placed)
    shown = words(points[-1][1] if value is None else value)
    highest = words(max(each for _, each in points))
    told = f"{title}: {shown}, {highest} at most, over {duration(whole_s)}"
    if limit is not None:
        told += f", limit {words(limit)}"
    return Curve(
        title=title,
        value=shown,
        line=line,
        area=f"{line}L{placed[-1][0]:g} {HEIGHT}L{placed[0][0]:g} {HEIGHT}Z",
        limit=None if limit is None else round(HEIGHT * (1 - limit / scale), 1),
        top=words(top),
        span=duration(whole_s),
        told=told,
    )
