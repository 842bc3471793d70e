"""The sections of a report as HTML that needs no style and no script: tables and drawings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from app.domain.report import CriterionScores, Judging, Report
from app.domain.report_charts import bars, curve, rings


@dataclass(frozen=True, slots=True)
class Section:
    """One section: `name` is its member in the report, `html` is safe as it is."""

    name: str
    title: str
    html: str


def report_sections(report: Report) -> Sequence[Section]:
    """All sections in order; what is missing says why in the place of its content, and what rests
    on a part of all that is stored says so before it."""
    found = [
        Section("funnel", "From calls to rows", _steps(report)),
        Section("drops", "Dropped, by rule", _table(_ranked(report.drops))),
        Section("saturation", "How novelty wore off", _saturation(report)),
        Section("cost", "What was spent", _cost(report)),
        Section("nearest_seed", "Likeness to the nearest seed (ROUGE-L)", _nearest(report)),
        *_lengths(report),
        Section("verbs", "Verbs and their objects", _verbs(report)),
        Section("topics", "Topics", _topics(report)),
        Section("languages", "Languages", _table(_ranked(report.languages))),
        *map(_judging, report.judgings),
    ]
    return [_with_words(report, each) for each in found]


def _with_words(report: Report, found: Section) -> Section:
    if (why := report.missing.get(found.name)) is not None:
        return replace(found, html=f"<p>Not told here: {escape(why)}.</p>")
    if (basis := report.notes.get(found.name)) is not None:
        return replace(found, html=f"<p>Estimated {escape(basis)}.</p>\n{found.html}")
    return found


def _steps(report: Report) -> str:
    return _table([(each.name, each.count) for each in report.funnel])


def _table(rows: Iterable[tuple[str, int]]) -> str:
    lines = [f"<tr><td>{escape(name)}</td><td>{count:,}</td></tr>" for name, count in rows]
    return f"<table>{''.join(lines)}</table>" if lines else "<p>None.</p>"


def _ranked(counts: Mapping[str, int]) -> Sequence[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _judging(found: Judging) -> Section:
    """What a judge said: the spread of its scores, and where it scored twice how well it agrees."""
    rows = [("overall", f"{found.overall.mean:.2f}", "", "", "")]
    rows += [(each.name, f"{each.scores.mean:.2f}", *_agreed(each)) for each in found.criteria]
    cells = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    names = ("criterion", "mean", "samples equal", "mean difference", "alpha")
    head = "".join(f"<th>{name}</th>" for name in names)
    told = f"<p>{found.rows:,} rows were scored. Alpha is Krippendorff's, for ordinal scores.</p>"
    table = f"<table><tr>{head}</tr>{cells}</table>"
    title = f"Scores by {found.judge}"
    html = "\n".join((told, table, bars(found.overall, title)))
    return Section(f"judging-{found.judge_job_id}", title, html)


def _agreed(found: CriterionScores) -> tuple[str, str, str]:
    agreed = found.agreement
    if agreed is None:
        return ("", "", "")
    alpha = "unknown" if agreed.alpha is None else f"{agreed.alpha:.2f}"
    return (f"{agreed.exact:.0%}", f"{agreed.mean_difference:.2f}", alpha)


def _saturation(report: Report) -> str:
    """Share of new instructions among those proposed, by proposing call."""
    last = max(1, report.saturation[-1].calls) if report.saturation else 1
    points = [
        (each.calls / last, each.novel / (each.candidates or 1)) for each in report.saturation
    ]
    title = "Share of new instructions among those that a call brought"
    drawn = curve(points, title, top="100 %", ends=("0", f"{last:,} calls"))
    return f"<p>{title}.</p>\n{drawn}"


def _cost(report: Report) -> str:
    """Rows against money; against time where nothing was paid."""
    if not report.cost or not report.cost[-1].rows:
        return "<p>No rows yet.</p>"
    last = report.cost[-1]
    paid = last.micro_usd > 0
    points = [
        (
            each.micro_usd / last.micro_usd if paid else each.seconds / (last.seconds or 1.0),
            each.rows / last.rows,
        )
        for each in report.cost
    ]
    end = f"${last.micro_usd / 1e6:,.4f}" if paid else f"{last.seconds:,.0f} s"
    each_row = f"${last.micro_usd / 1e6 / last.rows:,.6f} a row" if paid else "nothing was paid"
    drawn = curve(points, "Accepted rows", top=f"{last.rows:,} rows", ends=("0", end))
    return f"<p>Accepted rows against {'money' if paid else 'time'}; {each_row}.</p>\n{drawn}"


def _nearest(report: Report) -> str:
    found = report.nearest_seed
    return f"<p>Mean {found.mean:.3f}</p>\n{bars(found, 'Likeness to the nearest seed')}"


def _lengths(report: Report) -> Iterable[Section]:
    for name, found in report.lengths.items():
        title = f"Length of {name}, in words"
        drawn = f"<p>Mean {found.mean:.1f}</p>\n{bars(found, title)}"
        yield Section("lengths", title, drawn)


def _verbs(report: Report) -> str:
    if not report.verbs:
        return "<p>No imperative was found in English.</p>"
    told = (
        f"<p>{report.rows_with_verb:,} of {report.rows_read:,} instructions begin with a verb and "
        "have an object, by two rules for English imperatives.</p>"
    )
    return f"{told}\n{rings(report.verbs)}"


def _topics(report: Report) -> str:
    if not report.topics:
        return "<p>No word stands in several instructions.</p>"
    named = [
        (f"{each.word} ({', '.join(each.beside)})" if each.beside else each.word, each.count)
        for each in report.topics
    ]
    rest = report.rows_read - report.rows_with_topic
    return (
        "<p>Each instruction belongs to the first of these words that it holds; in brackets stand "
        f"words often beside it.</p>\n{_table([*named, ('none of these', rest)])}"
    )
