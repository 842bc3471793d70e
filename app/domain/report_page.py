"""The report as one HTML file that needs nothing else: no script, no font, no address."""

from html import escape

from app.domain.report import Report
from app.domain.report_sections import report_sections

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;"
    "color:#222;background:#fff}table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;"
    "text-align:left}td+td{text-align:right}svg{max-width:100%;height:auto}"
    "section{break-inside:avoid}.loud{border:2px solid #a33;padding:.5rem 1rem}"
)


def report_page(report: Report) -> str:
    """The page; the same report gives the same text."""
    parts = [
        f"<h1>{escape(report.job)}</h1>",
        _simulated(report),
        f"<p>{report_lead(report)}</p>",
        *(
            f"<section>\n<h2>{escape(each.title)}</h2>\n{each.html}\n</section>"
            for each in report_sections(report)
        ),
    ]
    title = escape(f"Report: {report.job}")
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    body = "\n".join(part for part in parts if part)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def report_lead(report: Report) -> str:
    """What the numbers rest on, as HTML."""
    method = f"{escape(report.method)}, " if report.method else ""
    return (
        f"{method}{report.rows:,} rows. Texts were read from {report.rows_read:,} of them, evenly "
        "spread."
    )


def _simulated(report: Report) -> str:
    if not report.simulated:
        return ""
    return '<p class="loud">Simulated: a scripted stand-in wrote these rows, no language model.</p>'
