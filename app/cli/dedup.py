"""`cultivar dedup`: near-duplicates out of files, without a service."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from rich.console import Console
from typer import Argument, Option

from app.cli.reading_progress import reading_progress
from app.domain.tokens import Tokens
from app.errors import InvalidInput, Problem
from app.use_cases.dedup import DedupRules, DedupSummary, dedup_files

_HINT = (
    "{:,} rows have no word of a-z or 0-9, so nothing could be found like them; "
    "compare other languages with --tokens unicode"
)


class NearestOf(StrEnum):
    """For which rows the nearest one is named."""

    DROPPED = "dropped"
    ALL = "all"


def command(
    file: Annotated[Path, Argument(help="JSONL, JSON list, CSV or Parquet; - reads a pipe")],
    against: Annotated[
        list[Path] | None, Option(help="rows that count as there already; may be repeated")
    ] = None,
    threshold: Annotated[
        float, Option(min=0, max=1, help="drop a row whose ROUGE-L F to an earlier one is above")
    ] = 0.7,
    tokens: Annotated[
        Tokens, Option(help="rouge: rouge-score's own; unicode: any language")
    ] = Tokens.ROUGE,
    nearest: Annotated[
        NearestOf, Option(help="name the nearest row of dropped rows, or of all")
    ] = NearestOf.DROPPED,
    field: Annotated[
        list[str] | None,
        Option(help="the field that is compared; repeated: compared together"),
    ] = None,
    out: Annotated[
        Path | None, Option(help="where accepted rows go, unchanged; else standard output")
    ] = None,
    decisions: Annotated[
        Path | None, Option(help="a JSON line for every row: accepted or not, and the nearest row")
    ] = None,
) -> None:
    """Rows keep their order; a row is compared with every accepted row before it.

    Files may be compressed with gzip. Nothing is written when a row cannot be read.
    """
    _check_targets(out, decisions)
    fields = tuple(field or ["instruction"])
    rules = DedupRules(threshold, tokens, fields, nearest is NearestOf.ALL)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with reading_progress(console) as report:
        summary = dedup_files(
            None if str(file) == "-" else file,
            against=against or (),
            out=None if out is None or str(out) == "-" else out,
            decisions=decisions,
            rules=rules,
            report=report,
        )
    console.print(_sentence(summary), markup=False)
    if summary.wordless and tokens is Tokens.ROUGE:
        console.print(_HINT.format(summary.wordless), markup=False)


def _check_targets(out: Path | None, decisions: Path | None) -> None:
    """Raise InvalidInput where rows and decisions would overwrite each other."""
    if out is None or decisions is None or out.resolve() != decisions.resolve():
        return
    if out.is_file() or not out.exists():
        problem = Problem("/decisions", "same_file", "name another file than --out")
        raise InvalidInput("Rows and decisions cannot go to one file.", problems=[problem])


def _sentence(summary: DedupSummary) -> str:
    compared = f" (compared with {summary.against:,} more)" if summary.against else ""
    return (
        f"{summary.read:,} rows read{compared}: "
        f"{summary.accepted:,} accepted, {summary.dropped:,} dropped as near-duplicates"
    )
