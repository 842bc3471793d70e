"""`cultivar decontaminate`: rows that overlap with evaluation sets out of a file."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from app.cli.filter_choice import Contaminated, NGram, RougeL
from app.cli.filters import show_check
from app.cli.terminal import AsJson
from app.domain.contamination import Decontamination
from app.domain.filter import Action
from app.domain.options import parse_options
from app.errors import InvalidInput, Problem
from app.use_cases.filter_files import FileOrder


def command(
    file: Annotated[Path, Argument(help="JSONL, JSON list, CSV or Parquet; - reads a pipe")],
    against: Annotated[list[Path], Option(help="a file with an evaluation set; may be repeated")],
    ngram: NGram = 13,
    rouge_l: RougeL = 0.7,
    contaminated: Contaminated = Action.DROP,
    out: Annotated[Path | None, Option(help="where the rows that stand go, unchanged")] = None,
    decisions: Annotated[
        Path | None, Option(help="a JSON line for every row: kept or not, and what it overlaps")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rows that share a run of words with an item, or whose task is nearly an item's.

    Chinese and Japanese are compared by characters. Both files hold rows in any of the shapes that
    `cultivar filters check` reads.
    """
    rules = _rules(ngram, rouge_l, contaminated)
    order = FileOrder(filters=None, against=against, rules=rules)
    show_check(file, order, out, decisions, as_json)


def _rules(ngram: int, rouge_l: float, action: Action) -> Decontamination:
    given = {"ngram": ngram or None, "rouge_l": rouge_l or None, "action": str(action)}
    found, problems = parse_options(Decontamination, given, pointer="")
    if found is None:
        raise InvalidInput("Nothing can be looked for so.", problems=problems)
    if found.ngram is None and found.rouge_l is None:
        problem = Problem("/ngram", "missing_field", "give --ngram or --rouge-l")
        raise InvalidInput("Nothing would be looked for.", problems=[problem])
    return found
