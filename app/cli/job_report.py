"""`cultivar jobs report`: what came of a job, in numbers, as JSON or as a page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from uuid import UUID

from typer import Argument, Option

from app.cli.connection import connected
from app.cli.terminal import AsJson, show_facts, show_json
from app.domain.report import Judging, Report
from app.domain.report_page import report_page
from app.files.whole_file import written_whole
from app.use_cases import reports

_SHOWN = 5


def report(
    job: Annotated[UUID, Argument(metavar="JOB", help="its id")],
    html: Annotated[Path | None, Option(help="write a page with charts there")] = None,
    as_json: AsJson = False,
) -> None:
    """Funnel, novelty over time, likeness to seeds, lengths, verbs, topics, languages and cost."""
    with connected() as runtime:
        found = reports.of_job(runtime, job)
    show_report(found, html, as_json)


def show_report(found: Report, html: Path | None, as_json: bool) -> None:
    """A report as a page in a file, as JSON, or in a few lines."""
    if html is not None:
        with written_whole(html) as file:
            file.write(report_page(found).encode())
    if as_json:
        show_json(found)
    elif html is None:
        show_facts(_facts(found))


def _facts(found: Report) -> Mapping[str, object]:
    verbs = ", ".join(f"{each.verb} {each.count}" for each in found.verbs[:_SHOWN])
    languages = ", ".join(f"{name} {n}" for name, n in list(found.languages.items())[:_SHOWN])
    topics = ", ".join(f"{each.word} {each.count}" for each in found.topics[:_SHOWN])
    near = found.missing.get("nearest_seed") or f"{found.nearest_seed.mean:.3f}"
    return {
        "rows": found.rows,
        **{each.name: each.count for each in found.funnel},
        "likeness to the nearest seed": near,
        **{f"words of {name}": f"{each.mean:.1f}" for name, each in found.lengths.items()},
        "verbs": verbs or "none",
        "topics": topics or "none",
        "languages": languages or "none",
        **{f"score by {each.judge}": _scores(each) for each in found.judgings},
        **{name: why for name, why in found.missing.items() if name != "nearest_seed"},
        **{f"{name}, estimated": words for name, words in found.notes.items()},
    }


def _scores(found: Judging) -> str:
    told = [f"{found.overall.mean:.2f} of {found.rows:,} rows"]
    for each in found.criteria:
        agreed = each.agreement
        samples = "" if agreed is None else f" (samples equal: {agreed.exact:.0%})"
        told.append(f"{each.name} {each.scores.mean:.2f}{samples}")
    return ", ".join(told)
