"""A mixture of tasks out of files: counted, drawn, styled and shuffled without holding them."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import BinaryIO, TypeAlias

import orjson

from app.domain.flan.cases import BadCase, Case, read_case
from app.domain.flan.drawing import Reservoirs, Selection
from app.domain.flan.examples import (
    WITH_SHOTS,
    DropReason,
    Example,
    Style,
    StyleSettings,
    styled,
    turned_round,
)
from app.domain.flan.inversion import invertible
from app.domain.flan.mixing import MixSettings, TaskSize, quotas
from app.errors import InvalidInput
from app.files.checked_rows import BadField, CheckedRows
from app.files.row_files import RowFile, open_rows
from app.files.tab_rows import read_tab_rows
from app.files.whole_file import written_whole

MixReport: TypeAlias = Callable[[str, int, int | None], None]
"""Told now and then what is being done, how many rows of it are, and of how many if it is known."""

_REPORT_EVERY = 500
_BUCKET_ROWS = 5000
_MOST_BUCKETS = 200


@dataclass(frozen=True, slots=True)
class MixTask:
    """A file of solved tasks; the name of its collection is its own where none is given."""

    path: Path
    name: str
    collection: str


@dataclass(frozen=True, slots=True)
class MixOrder:
    """What is wanted: sizes and shares, styles, how much is turned round, and the seed.

    `inversion` is the share of inverted examples to plain ones, where cases can be inverted.
    `exemplar_pool` is how many cases of each template are kept at hand for worked examples.
    """

    sizes: MixSettings = field(default_factory=MixSettings)
    styles: StyleSettings = field(default_factory=StyleSettings)
    inversion: float = 0.3
    exemplar_pool: int = 64
    seed: int = 0


@dataclass(slots=True)
class MixSummary:
    """Counts of a mixture: rows by task and by style, and what was dropped, by reason."""

    tasks: dict[str, int] = field(default_factory=dict[str, int])
    styles: Counter[Style] = field(default_factory=Counter[Style])
    drops: Counter[DropReason] = field(default_factory=Counter[DropReason])

    @property
    def rows(self) -> int:
        return self.styles.total()


def task_named(given: str) -> MixTask:
    """The task of `FILE` or `COLLECTION:FILE`; its name is that of the file without its ending."""
    collection, sign, rest = given.partition(":")
    path = Path(rest if sign and not Path(given).exists() else given)
    name = path.name.removesuffix(".gz").rpartition(".")[0] or path.name
    return MixTask(path, name, collection if str(path) == rest and sign else name)


def mix_files(
    tasks: Sequence[MixTask],
    out: Path | None,
    order: MixOrder | None = None,
    report: MixReport | None = None,
) -> MixSummary:
    """Write the mixture, shuffled, a JSON line for each example; None is standard output.

    Files are read one after the other and rows are never held, so memory does not grow with
    them. Raises InvalidInput.
    """
    wanted = order or MixOrder()
    _check(tasks, wanted.sizes)
    mixer = _Mixer(wanted, report)
    sizes = [mixer.measured(task) for task in tasks]
    counts = quotas(sizes, wanted.sizes)
    with ExitStack() as opened:
        target = opened.enter_context(written_whole(out))
        shuffled = opened.enter_context(_shuffled(target, sum(counts), Random(wanted.seed)))
        for task, size, count in zip(tasks, sizes, counts, strict=True):
            for example in mixer.drawn(task, size, count):
                shuffled(_line(task, example))
    return mixer.summary


class _Mixer:
    """Reads tasks and makes examples of what is drawn of them."""

    def __init__(self, order: MixOrder, report: MixReport | None) -> None:
        self._order = order
        self._report = report
        self.summary = MixSummary()

    def measured(self, task: MixTask) -> TaskSize:
        """Count a task's cases; raises InvalidUpload when some cannot be used."""
        by_template: Counter[str] = Counter()
        turning = 0
        for case in self._cases(task, "counting", None):
            by_template[case.template] += 1
            turning += invertible(case)
        inversions = int(turning * self._order.inversion)
        return TaskSize(task.name, task.collection, by_template, inversions)

    def drawn(self, task: MixTask, size: TaskSize, count: int) -> Iterator[Example]:
        """Examples of as many cases, plain ones and inverted ones in their shares."""
        self.summary.tasks[task.name] = 0
        if not count:
            return
        plain_count = min(size.rows, round(count * size.rows / size.available))
        pool = self._pool(task, size)
        chance = self._chance(task.name, "draw")
        plain = Selection(plain_count, size.rows, chance)
        turned = Selection(count - plain_count, size.rows, self._chance(task.name, "turn"))
        for number, case in enumerate(self._cases(task, "mixing", size.rows)):
            own = self._chance(task.name, number)
            if plain.take():
                made = styled(case, pool.of(case.template), self._order.styles, own)
                yield from self._counted(task, made)
            if turned.take() and invertible(case):
                yield from self._counted(task, turned_round(case, self._order.styles, own))

    def _pool(self, task: MixTask, size: TaskSize) -> Reservoirs[str, Case]:
        """Cases of each template, from all over the file."""
        chance = self._chance(task.name, "pool")
        pool: Reservoirs[str, Case] = Reservoirs(self._order.exemplar_pool, chance)
        if any(share > 0 for style, share in self._shares().items() if style in WITH_SHOTS):
            for case in self._cases(task, "exemplars", size.rows):
                pool.see(case.template, case)
        return pool

    def _shares(self) -> Mapping[Style, float]:
        return self._order.styles.shares

    def _chance(self, *of: object) -> Random:
        return Random(":".join(map(str, (self._order.seed, *of))))

    def _counted(self, task: MixTask, made: Example | DropReason) -> Iterator[Example]:
        if isinstance(made, DropReason):
            self.summary.drops[made] += 1
            return
        self.summary.styles[made.style] += 1
        self.summary.tasks[task.name] += 1
        yield made

    def _cases(self, task: MixTask, doing: str, total: int | None) -> Iterator[Case]:
        with _opened(task.path) as file:
            numbers = iter(range(1 << 62))
            rows = CheckedRows(file, lambda fields: _case(fields, next(numbers)))
            for done, (_, case) in enumerate(rows, 1):
                if self._report is not None and done % _REPORT_EVERY == 0:
                    self._report(f"{doing} {task.name}", done, total)
                yield case
            rows.done()


@contextmanager
def _opened(path: Path) -> Generator[RowFile]:
    """A file of rows; a table parted by tabs may lack its header, as those of Flan do."""
    if path.suffix != ".tsv" or not path.is_file():
        with open_rows(path) as file:
            yield file
        return
    with path.open("rb") as lines:
        first = lines.readline().decode("utf-8-sig", "replace")
        headed = bool({*first.strip().split("\t")} & {"question", "input", "instruction"})
        lines.seek(0)
        if not headed:
            rows = read_tab_rows(lines, ("question", "answer", "chain"))
            yield RowFile(str(path), rows, b"", path.stat().st_size, lines)
            return
    with open_rows(path) as file:
        yield file


def _case(fields: Mapping[str, object], number: int) -> Case:
    try:
        return read_case(fields, number)
    except BadCase as bad:
        raise BadField(bad.problem) from bad


def _check(tasks: Sequence[MixTask], sizes: MixSettings) -> None:
    repeated = [name for name, count in Counter(task.name for task in tasks).items() if count > 1]
    if repeated:
        names = ", ".join(repeated)
        raise InvalidInput(f"Two files would be the task {names}; give them different names.")
    known = {task.collection for task in tasks}
    unknown = [name for name in sizes.weights or {} if name not in known]
    unknown += [
        name for name in sizes.caps or {} if name not in known | {""} | {t.name for t in tasks}
    ]
    if unknown:
        names = ", ".join(unknown)
        raise InvalidInput(f"There is no {names}; there is {', '.join(sorted(known))}.")
    missing = known - (sizes.weights or {}).keys()
    if sizes.weights and missing:
        raise InvalidInput(f"Give a weight to {', '.join(sorted(missing))} too; 0 leaves it out.")


def _line(task: MixTask, example: Example) -> bytes:
    line = {
        "task": task.name,
        "row": example.row,
        "template": example.template,
        "style": example.style,
        "input": example.input,
        "target": example.target,
        "exemplars": example.exemplars,
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


@contextmanager
def _shuffled(target: BinaryIO, count: int, chance: Random) -> Generator[Callable[[bytes], None]]:
    """Take lines and write them in an order in which each is as likely as any other.

    Lines go to one of many files at random; each of these fits into memory and is shuffled there.
    """
    buckets = min(_MOST_BUCKETS, count // _BUCKET_ROWS + 1)
    with TemporaryDirectory() as folder, ExitStack() as opened:
        paths = [Path(folder) / str(number) for number in range(buckets)]
        files = [opened.enter_context(path.open("wb")) for path in paths]

        def put(line: bytes) -> None:
            files[chance.randrange(buckets)].write(line)

        yield put
        for path, file in zip(paths, files, strict=True):
            file.close()
            lines = path.read_bytes().splitlines(keepends=True)
            chance.shuffle(lines)
            target.writelines(lines)
