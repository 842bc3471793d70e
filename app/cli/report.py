"""`cultivar report`: what the rows of an exported file say, without a service."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from app.cli.job_report import show_report
from app.cli.terminal import AsJson
from app.domain.tokens import Tokens
from app.use_cases.file_reports import FileReportWish, of_file


def command(
    file: Annotated[
        Path,
        Argument(exists=True, dir_okay=False, help="JSONL, JSON list, CSV, Parquet, or a bundle"),
    ],
    seeds: Annotated[
        Path | None, Option(help="the seed file, for the likeness of rows to seeds")
    ] = None,
    manifest: Annotated[
        Path | None, Option(help="the export's manifest as JSON, where the file is no bundle")
    ] = None,
    tokens: Annotated[
        Tokens, Option(help="as the seed set has them; English: rouge")
    ] = Tokens.ROUGE,
    html: Annotated[Path | None, Option(help="write a page with charts there")] = None,
    as_json: AsJson = False,
) -> None:
    """The report of `cultivar jobs report`, computed again from an export, by the same rules.

    Curves over calls and money are not in rows; funnel and drops are in the manifest, which a
    bundle holds. What cannot be told is named with the reason.
    """
    show_report(of_file(FileReportWish(file, seeds, manifest, tokens)), html, as_json)
