"""`cultivar score`: recorded answers of a model against their references, without a service."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

from rich.console import Console
from typer import Option, echo

from app.cli.reading_progress import reading_progress
from app.use_cases.scoring import score_predictions


def command(
    predictions: Annotated[
        Path, Option(help="rows with `response` and `target`, one JSON object a line; - is a pipe")
    ],
) -> None:
    """Prints `{"n", "rouge_l", "low", "high", "confidence"}`, times 100.

    That is the mean ROUGE-L F of whole responses (rouge-score's tokens, no stemmer) with its
    bootstrap interval (10,000 resamples).
    """
    with reading_progress(Console(stderr=True)) as report:
        found = score_predictions(None if str(predictions) == "-" else predictions, report)
    echo(json.dumps(dataclasses.asdict(found)))
