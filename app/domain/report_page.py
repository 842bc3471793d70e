"""The report as one HTML file that needs nothing else: no script, no font, no address."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from app.domain.report import CriterionScores, Judging, Report
from app.domain.report_charts import bars, curve, rings

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;"
    "color:#222;background:#fff}table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;"
    "text-align:left}td+td{text-align:right}svg{max-width:100%;height:auto}"
    ".loud{border:2px solid #a33;padding:.5rem 1rem}"
)


def report_page(report: Report) -> str:
    """The page; the same report gives the same text."""
    parts = [
        f"<h1>{escape(report.job)}</h1>",
        _simulated(report),
        f"<p>{escape(report.method)}, {report.rows:,} rows. Texts were read from "
        f"{report.rows_read:,} of them, evenly spread.</p>",
        _section("From calls to rows", _table([(each.name, each.count) for each in report.funnel])),
        _section("Dropped, by rule", _table(_ranked(report.drops))),
        _section("How novelty wore off", _saturation(report)),
        _section("What was spent", _cost(report)),
        _section(
            "Likeness to the nearest seed (ROUGE-L)", _mean(report), bars(report.nearest_seed)
        ),
        *(
            _section(f"Length of {name}, in words", f"<p>Mean {each.mean:.1f}</p>", bars(each))
            for name, each in report.lengths.items()
        ),
        _section("Verbs and their objects", _verbs(report)),
        _section("Languages", _table(_ranked(report.languages))),
        *map(_judging, report.judgings),
    ]
    title = escape(f"Report: {report.job}")
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    body = "\n".join(part for part in parts if part)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def _simulated(report: Report) -> str:
    if not report.simulated:
        return ""
    return '<p class="loud">Simulated: a scripted stand-in wrote these rows, no language model.</p>'


def _section(title: str, *content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n" + "\n".join(content)


def _table(rows: Iterable[tuple[str, int]]) -> str:
    lines = [f"<tr><td>{escape(name)}</td><td>{count:,}</td></tr>" for name, count in rows]
    return f"<table>{''.join(lines)}</table>" if lines else "<p>None.</p>"


def _ranked(counts: Mapping[str, int]) -> Sequence[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _judging(found: Judging) -> str:
    """What a judge said: the spread of its scores, and where it scored twice how well it agrees."""
    rows = [("overall", f"{found.overall.mean:.2f}", "", "", "")]
    rows += [(each.name, f"{each.scores.mean:.2f}", *_agreed(each)) for each in found.criteria]
    cells = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    head = "".join(
        f"<th>{name}</th>"
        for name in ("criterion", "mean", "samples equal", "mean difference", "alpha")
    )
    return _section(
        f"Scores by {found.judge}",
        f"<p>{found.rows:,} rows were scored. Alpha is Krippendorff's, for ordinal scores.</p>",
        f"<table><tr>{head}</tr>{cells}</table>",
        bars(found.overall),
    )


def _agreed(found: CriterionScores) -> tuple[str, str, str]:
    agreed = found.agreement
    if agreed is None:
        return ("", "", "")
    alpha = "unknown" if agreed.alpha is None else f"{agreed.alpha:.2f}"
    return (f"{agreed.exact:.0%}", f"{agreed.mean_difference:.2f}", alpha)


def _mean(report: Report) -> str:
    return f"<p>Mean {report.nearest_seed.mean:.3f}</p>"


def _saturation(report: Report) -> str:
    """Share of new instructions among those proposed, by proposing call."""
    last = max(1, report.saturation[-1].calls) if report.saturation else 1
    points = [
        (each.calls / last, each.novel / (each.candidates or 1)) for each in report.saturation
    ]
    drawn = curve(points, top="100 %", ends=("0", f"{last:,} calls"))
    return f"<p>Share of new instructions among those that a call brought.</p>\n{drawn}"


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
    drawn = curve(points, top=f"{last.rows:,} rows", ends=("0", end))
    return f"<p>Accepted rows against money; {each_row}.</p>\n{drawn}"


def _verbs(report: Report) -> str:
    if not report.verbs:
        return "<p>No imperative was found in English.</p>"
    told = (
        f"<p>{report.rows_with_verb:,} of {report.rows_read:,} instructions begin with a verb and "
        "have an object, by two rules for English imperatives.</p>"
    )
    return f"{told}\n{rings(report.verbs)}"
