"""Labelled rows through templates into tasks: a file of rows in, a line for every pair out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import BinaryIO

import orjson

from app.domain.labelled import Columns, ColumnType, TypeGuess
from app.domain.templates import (
    FAILURES,
    Inspection,
    Rendered,
    Skipped,
    SkipReason,
    SyntaxFault,
    Template,
    TemplateFile,
    as_triple,
    named,
)
from app.errors import InvalidInput, InvalidUpload, LineProblem, UploadReport
from app.files.checked_rows import Report
from app.files.whole_file import written_whole
from app.sandbox.template_sandbox import PairOutcome, RowOrder, TemplateSandbox
from app.use_cases.labelled_rows import LabelledRows, labelled_rows
from app.use_cases.template_checks import jinja_problem, load_templates


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """Which pairs are rendered, and how.

    `names` are templates by name or id, all where none is given. `per_row` draws so many of them
    for each row. `limit_rows` takes the first rows of the file; `limit_per_template` keeps the
    first renderings of each template. `truncate` cuts each expression to so many characters.
    `triples` writes instruction, input and output instead of both sides, `split` parts the first
    two. `provenance` adds where it all came from.
    """

    names: tuple[str, ...] = ()
    per_row: int | None = None
    limit_rows: int | None = None
    limit_per_template: int | None = None
    seed: int = 0
    truncate: int | None = None
    provenance: bool = False
    triples: bool = False
    split: str | None = None
    columns: Columns = field(default_factory=Columns)


@dataclass(slots=True)
class SkipCount:
    """How often a template skipped rows for one reason, with the first of them."""

    template: str
    reason: SkipReason
    rows: int
    first_row: int
    detail: str


@dataclass(slots=True)
class RenderSummary:
    """Counts of a run; `missing` are columns that a template names and no row has.

    `numbers_as_text` are columns of templates that skipped rows whose values are numbers, but
    written as texts: a list of choices cannot be asked for its "2".
    """

    rows: int = 0
    templates: int = 0
    rendered: int = 0
    skips: list[SkipCount] = field(default_factory=list[SkipCount])
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    numbers_as_text: tuple[str, ...] = ()

    @property
    def skipped(self) -> int:
        return sum(each.rows for each in self.skips)


def render_file(
    templates: Path,
    rows: Path | None,
    out: Path | None,
    settings: RenderSettings | None = None,
    report: Report | None = None,
) -> RenderSummary:
    """Write `{"row", "template", "input", "target"}` for every pair that gives something.

    None is standard input, respectively standard output. `row` counts from 0; the order is that
    of the rows, then of the templates. Nothing is written unless every row can be read and
    something can be rendered. Raises InvalidInput.
    """
    wanted = settings or RenderSettings()
    with written_whole(out) as target, open_rendering(templates, wanted) as rendering:
        with labelled_rows(rows, wanted.columns, report) as source:
            for pair in rendering.pairs(source):
                _write(target, rendering, pair)
            source.done()
        return rendering.summary()


def preview(
    templates: Path, rows: Path | None, count: int, settings: RenderSettings
) -> list[tuple[Template, PairOutcome]]:
    """What the first rows become, skipped pairs too; raises InvalidInput."""
    with open_rendering(templates, settings) as rendering:
        with labelled_rows(rows, settings.columns) as source:
            first = (fields for _, fields in source)
            outcomes = [
                (rendering.template(pair), pair) for pair in rendering.outcomes(first, count)
            ]
            source.done()
        return outcomes


def open_rendering(templates: Path, settings: RenderSettings) -> "Rendering":
    """The chosen templates of a file, ready to render; raises InvalidInput."""
    file = load_templates(templates)
    chosen, unknown = named(file.templates, settings.names)
    if unknown:
        known = ", ".join(each.name for each in file.templates)
        raise InvalidInput(f"{templates} has no template {', '.join(unknown)}; it has: {known}.")
    return Rendering(file, chosen, settings)


class Rendering:
    """Renders rows with chosen templates of a file and counts; use it as a context."""

    def __init__(self, file: TemplateFile, chosen: Sequence[int], settings: RenderSettings) -> None:
        self.file = file
        self._chosen = chosen
        self._settings = settings
        self._sandbox = TemplateSandbox(
            file.templates, seed=settings.seed, truncate=settings.truncate
        )
        self._counts: Counter[int] = Counter()
        self._skips: dict[tuple[int, SkipReason], SkipCount] = {}
        self._seen: set[str] = set()
        self._guess = TypeGuess()
        self._rows = 0
        self._needed: dict[int, tuple[str, ...]] = {}

    def __enter__(self) -> "Rendering":
        self._sandbox.__enter__()
        try:
            self._inspect()
        except BaseException:
            self._sandbox.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *ending: object) -> None:
        self._sandbox.__exit__(None, None, None)

    def line(self, pair: PairOutcome, outcome: Rendered) -> Mapping[str, object]:
        """What is written of a pair."""
        template = self.template(pair)
        found: dict[str, object] = {"row": pair.order.row, "template": template.name}
        if self._settings.triples:
            parts = as_triple(outcome, self._settings.split)
            triple = dict(zip(("instruction", "input", "output"), parts, strict=True))
            found = triple | (found if self._settings.provenance else {})
        else:
            found |= {"input": outcome.input, "target": outcome.target}
        if self._settings.provenance:
            found |= _provenance(self.file, template, outcome)
        return found

    def template(self, pair: PairOutcome) -> Template:
        """The template of a pair."""
        return self.file.templates[pair.template]

    def pairs(self, rows: LabelledRows) -> Iterator[PairOutcome]:
        """The pairs that give something, in order; the others are counted."""
        limit = self._settings.limit_per_template
        for pair in self.outcomes((fields for _, fields in rows), self._settings.limit_rows):
            if limit is not None and self._counts[pair.template] >= limit:
                continue
            if isinstance(pair.outcome, Skipped):
                self._note(pair, pair.outcome)
            else:
                self._counts[pair.template] += 1
                yield pair

    def outcomes(
        self, rows: Iterable[dict[str, object]], limit: int | None, *, start: int = 0
    ) -> Iterator[PairOutcome]:
        """What becomes of every wanted pair of the first rows.

        `start` is the number of the first one: rows that come in slices get the draws that they
        would get in one piece.
        """
        return self._sandbox.render(self._orders(rows, limit, start))

    def summary(self) -> RenderSummary:
        """The counts; raises InvalidInput when every pair failed."""
        skips = sorted(self._skips.values(), key=lambda each: -each.rows)
        rendered = self._counts.total()
        if skips and not rendered and all(each.reason in FAILURES for each in skips):
            raise InvalidInput(_nothing_rendered(skips[0]))
        counts = self._rows, len(self._chosen), rendered
        return RenderSummary(*counts, skips, self._missing(), self._numbers_as_text())

    def _inspect(self) -> None:
        """Know what the templates need; a template whose text is broken spoils the run."""
        errors: list[LineProblem] = []
        for position, found in enumerate(self._sandbox.inspect()):
            template = self.file.templates[position]
            if isinstance(found, Inspection):
                self._needed[position] = found.columns
            elif isinstance(found, SyntaxFault) and position in self._chosen:
                errors.append(jinja_problem(template, found))
        if errors:
            report = UploadReport(errors=tuple(errors), error_count=len(errors))
            raise InvalidUpload("Some templates cannot be used.", report)

    def _orders(
        self, rows: Iterable[dict[str, object]], limit: int | None, start: int
    ) -> Iterator[RowOrder]:
        for row, fields in enumerate(_first(rows, limit), start):
            self._rows += 1
            self._seen |= fields.keys()
            self._guess.see(fields)
            templates = self._templates(row)
            if templates:
                yield RowOrder(row, fields, templates)

    def _templates(self, row: int) -> list[int]:
        """Which templates a row goes through; a full one only takes up its draw."""
        count, limit = self._settings.per_row, self._settings.limit_per_template
        drawn = list(self._chosen)
        if count is not None and count < len(drawn):
            drawn = sorted(Random(f"{self._settings.seed}:{row}").sample(drawn, count))
        if limit is None:
            return drawn
        return [each for each in drawn if self._counts[each] < limit]

    def _note(self, pair: PairOutcome, skipped: Skipped) -> None:
        key = (pair.template, skipped.reason)
        name, row = self.template(pair).name, pair.order.row
        found = self._skips.setdefault(key, SkipCount(name, skipped.reason, 0, row, skipped.detail))
        found.rows += 1

    def _numbers_as_text(self) -> tuple[str, ...]:
        troubled = {
            column
            for position, reason in self._skips
            if reason in (SkipReason.EMPTY_TARGET, SkipReason.ERROR)
            for column in self._needed.get(position, ())
        }
        whole = {name for name, kind in self._guess.types().items() if kind is ColumnType.INT}
        return tuple(sorted(troubled & whole))

    def _missing(self) -> dict[str, tuple[str, ...]]:
        known = self._seen | {name.replace("-", "_") for name in self._seen}
        known |= self._settings.columns.extra()
        missing: dict[str, tuple[str, ...]] = {}
        for position in self._chosen:
            absent = tuple(c for c in self._needed.get(position, ()) if c not in known)
            if absent and self._rows:
                missing[self.file.templates[position].name] = absent
        return missing


def _first(rows: Iterable[dict[str, object]], limit: int | None) -> Iterator[dict[str, object]]:
    """The first rows, without reading one more than is wanted."""
    if limit == 0:
        return
    for number, row in enumerate(rows, 1):
        yield row
        if number == limit:
            return


def _nothing_rendered(skip: SkipCount) -> str:
    return (
        f"Nothing could be rendered. Template {skip.template} at row {skip.first_row} "
        f"[{skip.reason}]: {skip.detail}"
    )


def _write(target: BinaryIO, rendering: Rendering, pair: PairOutcome) -> None:
    assert isinstance(pair.outcome, Rendered)  # noqa: S101 - `pairs` gives no others
    line = rendering.line(pair, pair.outcome)
    target.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def _provenance(file: TemplateFile, template: Template, outcome: Rendered) -> Mapping[str, object]:
    return {
        "options": outcome.options,
        "dataset": file.dataset,
        "subset": file.subset,
        "template_id": template.id,
        "original_task": template.metadata.original_task,
        "choices_in_prompt": template.metadata.choices_in_prompt,
        "languages": template.metadata.languages,
    }
