"""Recorded answers of a model scored against their references."""

from collections.abc import Mapping
from pathlib import Path

from app.domain.scoring import Score, answer_score, score
from app.errors import InvalidInput
from app.files.checked_rows import CheckedRows, Report, text_field
from app.files.row_files import open_rows


def score_predictions(source: Path | None, report: Report | None = None) -> Score:
    """Score the fields `response` against `target` of every row; None is standard input.

    Raises InvalidUpload that names every row without them, and InvalidInput for a file of none.
    """
    with open_rows(source) as file:
        rows = CheckedRows(file, _answer_score, report)
        values = [value for _, value in rows]
        rows.done()
    if not values:
        raise InvalidInput(f"{file.name} holds no rows, so there is nothing to score.")
    return score(values)


def _answer_score(fields: Mapping[str, object]) -> float:
    return answer_score(text_field(fields, "response"), text_field(fields, "target"))
