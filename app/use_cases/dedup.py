"""Near-duplicates out of files: the novelty rule for whoever has rows and no service."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import orjson

from app.domain.novelty import Nearest, NoveltyIndex
from app.domain.tokens import Tokens, tokenizer
from app.errors import InvalidInput, Problem
from app.files.checked_rows import CheckedRows, Report, optional_text, text_field
from app.files.file_row import FileRow
from app.files.row_files import RowFile, open_rows
from app.files.whole_file import written_whole

ROUGE_L = "rouge_l"


@dataclass(frozen=True, slots=True)
class PlacedText:
    """A text and where it stands: the file as it was named, the line from 1."""

    text: str
    line: int
    file: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one row; the fields are those of a line of the decisions file.

    `rule` names what dropped it, None for an accepted row. `nearest` is the text of the earliest
    row among those that are most like it, `score` its ROUGE-L F-measure in [0, 1]; both are None
    for accepted rows unless they were asked for, and where nothing stands before the row.
    """

    line: int
    instruction: str
    accepted: bool
    rule: str | None
    nearest: str | None
    nearest_line: int | None
    nearest_file: str | None
    score: float | None


@dataclass(frozen=True, slots=True)
class DedupRules:
    """How rows are compared: two are near-duplicates when ROUGE-L is above `threshold`.

    What is compared is the first of `fields`, and the others below it, those that are empty or
    missing left out: ("instruction", "input") compares whole tasks.
    """

    threshold: float = 0.7
    tokens: Tokens = Tokens.ROUGE
    fields: tuple[str, ...] = ("instruction",)
    nearest_of_all: bool = False


@dataclass(frozen=True, slots=True)
class DedupSummary:
    """Counts of rows: of the other files, read, accepted and dropped.

    `wordless` rows have no token at all, so they are like nothing: most often text in another
    script than the tokens are for.
    """

    against: int
    read: int
    accepted: int
    wordless: int = 0

    @property
    def dropped(self) -> int:
        return self.read - self.accepted


def decide(
    rows: Iterable[PlacedText],
    *,
    against: Iterable[PlacedText] = (),
    rules: DedupRules | None = None,
) -> Iterator[Decision]:
    """Decide row by row, in order, whether a text is new; what is new joins the pool.

    The pool begins with every text of `against`. A row is dropped when its ROUGE-L F-measure
    (rouge-score's, no stemmer) with any text of the pool is above the threshold; the decision is
    exact at any size. Lazy: decisions come as rows go in.

    >>> texts = "Name a warm colour.", "Name a warm colour!", "Name a cold colour, not a warm one."
    >>> rows = [PlacedText(text, line, "mine") for line, text in enumerate(texts, 1)]
    >>> [decision.accepted for decision in decide(rows)]
    [True, False, True]

    Raises InvalidInput for a threshold outside [0, 1].
    """
    pool = _Pool(rules or DedupRules())
    pool.extend(against)
    return map(pool.decide, rows)


def dedup_files(
    source: Path | None,
    *,
    against: Sequence[Path] = (),
    out: Path | None = None,
    decisions: Path | None = None,
    rules: DedupRules | None = None,
    report: Report | None = None,
) -> DedupSummary:
    """Write the rows of `source` that are new to `out`, unchanged and in order.

    None is standard input, respectively standard output. Rows of the files `against` come first
    and are not written. `decisions` gets a JSON line for every row. Nothing is written unless
    every row can be read: InvalidUpload names the bad ones; InvalidInput says what else is wrong.
    """
    wanted = rules or DedupRules()
    pool = _Pool(wanted)
    others = sum(_add_file(pool, path, wanted.fields, report) for path in against)
    with ExitStack() as opened:
        accepted = opened.enter_context(written_whole(out))
        noted = None if decisions is None else opened.enter_context(written_whole(decisions))
        file = opened.enter_context(open_rows(source))
        accepted.write(file.header)
        rows = _rows(file, wanted.fields, report)
        count = _sift(rows, pool, file.name, accepted, noted)
        return DedupSummary(others, rows.done(), count, pool.wordless)


def _add_file(pool: "_Pool", path: Path, fields: tuple[str, ...], report: Report | None) -> int:
    with open_rows(path) as file:
        rows = _rows(file, fields, report)
        pool.extend(PlacedText(text, row.number, file.name) for row, text in rows)
        return rows.done()


def _rows(file: RowFile, fields: tuple[str, ...], report: Report | None) -> CheckedRows[str]:
    return CheckedRows(file, partial(_text, names=fields), report)


def _text(fields: Mapping[str, object], names: tuple[str, ...]) -> str:
    further = [optional_text(fields, name) for name in names[1:]]
    return "\n".join([text_field(fields, names[0]), *filter(None, further)])


def _sift(
    rows: Iterable[tuple[FileRow, str]],
    pool: "_Pool",
    name: str,
    accepted: BinaryIO,
    noted: BinaryIO | None,
) -> int:
    """Write what the pool takes, note every decision, and return how many rows were taken."""
    count = 0
    for row, text in rows:
        decision = pool.decide(PlacedText(text, row.number, name))
        if decision.accepted:
            accepted.write(row.raw)
            count += 1
        if noted is not None:
            noted.write(orjson.dumps(decision, option=orjson.OPT_APPEND_NEWLINE))
    return count


class _Pool:
    """The texts that a new one must differ from, each with its place."""

    def __init__(self, rules: DedupRules) -> None:
        if not 0 <= rules.threshold <= 1:
            problem = Problem("/threshold", "out_of_range", "must be from 0 to 1")
            raise InvalidInput("The threshold cannot be used.", problems=[problem])
        self._index = NoveltyIndex(tokens=rules.tokens, threshold=rules.threshold)
        self._cut = tokenizer(rules.tokens)
        self._nearest_of_all = rules.nearest_of_all
        self.wordless = 0
        self._places: list[PlacedText] = []

    def extend(self, texts: Iterable[PlacedText]) -> None:
        self._index.extend(self._placed(texts))

    def _placed(self, texts: Iterable[PlacedText]) -> Iterator[str]:
        for each in texts:
            self._places.append(each)
            yield each.text

    def decide(self, row: PlacedText) -> Decision:
        duplicate = self._index.duplicate_of(row.text)
        if not row.text.isascii() and not self._cut(row.text):
            self.wordless += 1
        near = duplicate
        if duplicate is None:
            if self._nearest_of_all:
                near = self._index.nearest(row.text)
            self._index.add(row.text)
            self._places.append(row)
        return self._decision(row, duplicate is None, near)

    def _decision(self, row: PlacedText, accepted: bool, near: Nearest | None) -> Decision:
        place = None if near is None else self._places[near.position]
        return Decision(
            line=row.line,
            instruction=row.text,
            accepted=accepted,
            rule=None if accepted else ROUGE_L,
            nearest=place and place.text,
            nearest_line=place and place.line,
            nearest_file=place and place.file,
            score=near and near.score,
        )
