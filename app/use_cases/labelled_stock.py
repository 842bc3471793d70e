"""Labelled rows through templates for a job: rendered in the sandbox, some rows ahead."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from uuid import UUID

from app.db import labelled_sets, template_sets
from app.db.engine import Connection
from app.domain.flan.cases import Case
from app.domain.flan.examples import WITH_SHOTS
from app.domain.labelled_tasks import tasks_of
from app.domain.materials import LabelledSet, LabelledSource, Pairing
from app.domain.methods.template import TemplateRows
from app.domain.records import Source, SourceKind
from app.domain.stored import Job
from app.domain.template_files import read_template_file
from app.domain.templates import Template, TemplateFile, named
from app.errors import InvalidInput
from app.runtime import Runtime
from app.sandbox.template_sandbox import RowOrder, TemplateSandbox
from app.use_cases.stock import FEWEST_READY, ReadySources

_FIRST_ROWS, _MOST_ROWS = 16, 256
_SOON_S, _LATE_S = 0.25, 1.0
_TemplatesOf = Callable[[int], Sequence[int]]


def used_rows(method: TemplateRows, row_count: int, templates: int) -> int:
    """How many labelled rows a job goes through."""
    if method.cap is None or row_count <= method.cap:
        return row_count
    return max(1, method.cap // max(1, templates)) if method.cap_shared else method.cap


def stored_templates(connection: Connection, template_set_id: UUID) -> TemplateFile:
    """The templates of a set; raises InvalidInput when it is gone."""
    content = template_sets.content(connection, template_set_id)
    if content is None:
        raise InvalidInput("The template set of this job is gone.")
    return read_template_file(content, "the template set")


def labelled_stock(connection: Connection, job: Job, method: TemplateRows) -> "LabelledStock":
    """The stock of a job; raises InvalidInput when what it draws from is gone."""
    known = job.labelled_set_id and labelled_sets.get(connection, job.labelled_set_id)
    if not known:
        raise InvalidInput("The labelled set of this job is gone.")
    if job.template_set_id is None:
        return LabelledStock(job, method, known, known.name, ())
    file = stored_templates(connection, job.template_set_id)
    chosen, _ = named(file.templates, method.templates)
    return LabelledStock(job, method, known, file.name, [file.templates[n] for n in chosen])


class LabelledStock:
    """Renders rows for one slice of a job; equal rows, seed and templates, equal renderings."""

    def __init__(
        self,
        job: Job,
        method: TemplateRows,
        labelled_set: LabelledSet,
        dataset: str,
        templates: Sequence[Template],
    ) -> None:
        self._seed = job.random_seed
        self._method = method
        self._set = labelled_set
        self._dataset = dataset
        self._templates = templates
        self._positions = self._drawn()
        self._ready = ReadySources(len(self._positions))
        self._sandbox: TemplateSandbox | None = None
        self._neighbours: Mapping[str, Sequence[Case]] | None = None
        self._at_once = _FIRST_ROWS

    @property
    def sources(self) -> Sequence[Source]:
        return self._ready

    def ready(self, first: int, wanted: int) -> int:
        return self._ready.ready(first, wanted)

    def close(self) -> None:
        if self._sandbox is not None:
            self._sandbox.__exit__(None, None, None)
            self._sandbox = None

    def prepare(self, runtime: Runtime, first: int) -> None:
        self._ready.forget_before(first)
        begin = self._ready.next_missing(first)
        if begin - first >= FEWEST_READY or begin >= len(self._positions):
            return
        started_s = runtime.monotonic_s()
        if self._neighbours is None:
            self._neighbours = self._exemplars(runtime)
        wanted = self._positions[begin : begin + self._at_once]
        for number, row in enumerate(self._rendered(runtime, wanted, self._templates_of), begin):
            self._ready.put(number, row)
        self._adapt(runtime.monotonic_s() - started_s)

    def _adapt(self, took_s: float) -> None:
        """Few rows at once where templates are slow, so that a job can be stopped soon."""
        if took_s < _SOON_S:
            self._at_once = min(_MOST_ROWS, 2 * self._at_once)
        elif took_s > _LATE_S:
            self._at_once = max(1, self._at_once // 2)

    def _drawn(self) -> Sequence[int]:
        """Which rows are used: all, or so many drawn over the whole set, in file order."""
        count = self._set.row_count
        wanted = used_rows(self._method, count, len(self._templates))
        if wanted >= count:
            return range(count)
        return sorted(Random(f"{self._seed}:rows").sample(range(count), wanted))

    def _templates_of(self, row: int) -> Sequence[int]:
        """Which templates a row goes through: the draw of `cultivar templates render`."""
        everything, count = range(len(self._templates)), self._method.per_row
        if count is None or count >= len(everything):
            return everything
        return sorted(Random(f"{self._seed}:{row}").sample(list(everything), count))

    def _all_templates(self, row: int) -> Sequence[int]:
        return range(len(self._templates))

    def _exemplars(self, runtime: Runtime) -> Mapping[str, Sequence[Case]]:
        """Tasks of a few rows from all over the set, by template, for worked examples."""
        if not WITH_SHOTS & {*self._method.styles}:
            return {}
        count = self._set.row_count
        chance = Random(f"{self._seed}:exemplars")
        wanted = sorted(chance.sample(range(count), min(count, self._method.exemplar_pool)))
        found: dict[str, list[Case]] = {}
        for row in self._rendered(runtime, wanted, self._all_templates):
            for task in tasks_of(row):
                if task.case is not None:
                    found.setdefault(task.case.template, []).append(task.case)
        return found

    def _rendered(
        self, runtime: Runtime, positions: Sequence[int], templates_of: _TemplatesOf
    ) -> Sequence[LabelledSource]:
        with runtime.database.transaction() as connection:
            rows = labelled_sets.rows_at(connection, self._set.id, list(positions))
        if not self._templates:
            return [self._source(row, columns=fields) for row, fields in rows]
        orders = [RowOrder(row, fields, templates_of(row)) for row, fields in rows]
        pairings: dict[int, list[Pairing]] = {row: [] for row, _ in rows}
        for pair in self._running().render(orders):
            made = Pairing(self._templates[pair.template], pair.outcome)
            pairings[pair.order.row].append(made)
        return [self._source(row, pairings=pairings[row]) for row, _ in rows]

    def _source(
        self,
        row: int,
        *,
        columns: Mapping[str, object] | None = None,
        pairings: Sequence[Pairing] = (),
    ) -> LabelledSource:
        return LabelledSource(
            kind=SourceKind.LABELLED,
            id=f"{self._set.id}/{row}",
            instruction="",
            row=row,
            dataset=self._dataset,
            columns=columns,
            pairings=tuple(pairings),
            neighbours=self._neighbours or {},
        )

    def _running(self) -> TemplateSandbox:
        if self._sandbox is None:
            truncate = self._method.truncate
            self._sandbox = TemplateSandbox(self._templates, seed=self._seed, truncate=truncate)
            self._sandbox.__enter__()
        return self._sandbox
