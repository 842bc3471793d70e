"""The sieves of jobs, with the indexes of evaluation sets that a process keeps."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.db import evaluation_sets
from app.domain.contamination import Decontamination, EvaluationIndex, EvaluationItem, Overlap
from app.domain.filter import Action
from app.domain.filtering import JobFilters, build
from app.domain.options import parse_options
from app.domain.records import Instance
from app.domain.sieve import Sieve
from app.domain.stored import Job, StoredItem
from app.errors import InvalidInput, NotFound
from app.runtime import Runtime
from app.use_cases.pool_indexes import warm_up

SETS = "evaluation_set_ids"
_INDEXES_KEPT = 8
_PAGE = 2000
_Key = tuple[UUID, int | None, float | None]


@dataclass
class KeptIndex:
    """The index of an evaluation set; hold the lock while using it."""

    index: EvaluationIndex
    lock: threading.Lock = field(default_factory=threading.Lock)


class EvaluationIndexes:
    """Indexes of the last few evaluation sets by what is looked for; made once a process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, KeptIndex] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, runtime: Runtime, set_id: UUID, rules: Decontamination) -> KeptIndex:
        """The index of a set, read from Postgres page by page; raises NotFound."""
        key = (set_id, rules.ngram, rules.rouge_l)
        with self._lock:
            found = self._kept.get(key)
        if found is None:
            found = KeptIndex(_read(runtime, set_id, rules))
        with self._lock:
            found = self._kept.setdefault(key, found)
            self._kept.move_to_end(key)
            while len(self._kept) > _INDEXES_KEPT:
                self._kept.popitem(last=False)
        return found


@dataclass(frozen=True)
class SetOverlapping:
    """The evaluation sets that rows are held against, each under its lock."""

    kept: Sequence[KeptIndex]

    def of_row(self, instruction: str, instance: Instance) -> Sequence[Overlap]:
        """The first overlap with each set."""
        return tuple(self._of_row(instruction, instance))

    def of_instruction(self, instruction: str) -> Sequence[Overlap]:
        """The runs of words that the instruction alone shares with each set."""
        found = (each.index.shared_run(instruction) for each in self.kept)
        return tuple(overlap for overlap in found if overlap is not None)

    def _of_row(self, instruction: str, instance: Instance) -> Iterator[Overlap]:
        for each in self.kept:
            with each.lock:
                overlap = each.index.overlap(instruction, instance)
            if overlap is not None:
                yield overlap


def sieve_of(runtime: Runtime, indexes: EvaluationIndexes, job: Job) -> Sieve:
    """What a job's rows are held against; raises InvalidInput for what is not understood."""
    return make_sieve(runtime, indexes, job.filters, job.decontamination)


def make_sieve(
    runtime: Runtime,
    indexes: EvaluationIndexes,
    filters: Mapping[str, Mapping[str, object] | None],
    decontamination: Mapping[str, object] | None,
) -> Sieve:
    """The same of settings as they are stored with a job."""
    rules = _filters(filters)
    if not decontamination:
        return Sieve(rules)
    wanted, set_ids = read_decontamination(decontamination)
    if wanted.rouge_l is not None:
        warm_up()
    kept = [indexes.get(runtime, set_id, wanted) for set_id in set_ids]
    return Sieve(rules, SetOverlapping(kept), Action(wanted.action))


def _filters(stored: Mapping[str, Mapping[str, object] | None]) -> JobFilters:
    found, problems = build(stored)
    if found is None:
        raise InvalidInput("The stored filters are not understood.", problems=problems)
    return found


def read_decontamination(stored: Mapping[str, Any]) -> tuple[Decontamination, Sequence[UUID]]:
    """Stored settings as values; raises InvalidInput for what is not understood."""
    settings = {name: value for name, value in stored.items() if name != SETS}
    wanted, problems = parse_options(Decontamination, settings, pointer="/decontamination")
    if wanted is None:
        raise InvalidInput("The stored evaluation rules are not understood.", problems=problems)
    return wanted, [UUID(str(each)) for each in stored[SETS]]


def _read(runtime: Runtime, set_id: UUID, rules: Decontamination) -> EvaluationIndex:
    index = EvaluationIndex(str(set_id), rules)
    with runtime.database.transaction() as connection:
        if evaluation_sets.get(connection, set_id) is None:
            raise NotFound(f"There is no evaluation set {set_id}.")
    after = -1
    while True:
        with runtime.database.transaction() as connection:
            found = evaluation_sets.items_after(connection, set_id, after, _PAGE)
        index.extend(item for stored in found for item in items_of(stored))
        if len(found) < _PAGE:
            return index
        after = found[-1].position


def items_of(stored: StoredItem) -> Iterator[EvaluationItem]:
    """An item for each instance; one for the instruction where there is none."""
    if not stored.instances:
        yield EvaluationItem(stored.position, stored.instruction)
    for each in stored.instances:
        yield EvaluationItem(stored.position, stored.instruction, each.input, each.output)
