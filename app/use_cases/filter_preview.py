"""What other filters or evaluation sets would make of a job's rows; nothing is changed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from app.db import candidates, rows
from app.domain.contamination import OverlapRule
from app.domain.filtering import Stored, reasons_of
from app.domain.lifecycle import RowState
from app.domain.records import Candidate, Instance, Message, Role
from app.domain.sieve import Sieve, Sifted
from app.domain.stored import Job, RowRecord, SetOverlaps
from app.errors import InvalidInput
from app.runtime import Runtime
from app.use_cases import jobs
from app.use_cases.row_rules import overlaps_of, row_rules
from app.use_cases.sifting import EvaluationIndexes, make_sieve

_PAGE = 2000
_SHOWN_CHARS = 300
_FIRST = UUID(int=0)
_NO_PROFILE = ""


class Change(StrEnum):
    """What would become of something: a row, or an instruction that was never answered."""

    DROPPED = "dropped"
    FLAGGED = "flagged"
    RETURNED = "returned"
    INSTRUCTION_RETURNED = "instruction_returned"


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """What to try: where nothing is said of a filter or of evaluation sets, the job's own holds.

    At most `most_rows` rows and as many rejected instructions are looked at, None is all;
    `examples` are kept of each change by each reason.
    """

    filters: Mapping[str, object] = field(default_factory=dict[str, object])
    decontamination: Mapping[str, object] | None = None
    most_rows: int | None = None
    examples: int = 3


@dataclass(frozen=True, slots=True)
class PreviewExample:
    """One row (`row_id`) or instruction that would change, its texts cut short."""

    change: Change
    reason: str
    row_id: UUID | None
    instruction: str
    input: str
    output: str


@dataclass(frozen=True, slots=True)
class FilterPreview:
    """What would change: counts by reason of rows dropped, flagged and returned.

    `instructions_returned` were dropped before they were answered; they would be compared with the
    pool and paid for. `complete` is false where the limit ended the look before the last row.
    """

    rows: int
    accepted: int
    accepted_then: int
    complete: bool
    dropped: Mapping[str, int]
    flagged: Mapping[str, int]
    returned: Mapping[str, int]
    instructions_returned: Mapping[str, int]
    overlaps: Sequence[SetOverlaps]
    examples: Sequence[PreviewExample]


@dataclass(frozen=True, slots=True)
class _Description:
    """A job's own method and profile with other filters."""

    method: str
    profile: str
    filters: Mapping[str, object]
    decontamination: Mapping[str, object] | None


def preview(runtime: Runtime, job_id: UUID, wanted: PreviewRequest) -> FilterPreview:
    """Judge the stored rows of a job again; raises NotFound, InvalidInput with every problem."""
    job = jobs.get(runtime, job_id)
    with runtime.database.transaction() as connection:
        sets = wanted.decontamination
        settings = row_rules(connection, _description(job, wanted))
    if settings[1]:
        raise InvalidInput("The filters cannot be tried so.", problems=settings[1])
    rules = settings[0]
    held = rules.decontamination if sets else job.decontamination
    sieve = make_sieve(runtime, EvaluationIndexes(), rules.filters, held)
    look = _Look(job, sieve, wanted.examples)
    complete = look.at_rows(runtime, wanted.most_rows)
    complete = look.at_instructions(runtime, wanted.most_rows) and complete
    return look.told(complete)


def _description(job: Job, wanted: PreviewRequest) -> _Description:
    """The job's filters as they are, but for those of which something else is said.

    They are stored in full, so no profile has a say in them.
    """
    own = {name: False if each is None else each for name, each in job.filters.items()}
    filters = {**own, **wanted.filters}
    return _Description(job.method, _NO_PROFILE, filters, wanted.decontamination)


class _Look:
    """Rows are judged one by one; only counts and a few examples are kept."""

    def __init__(self, job: Job, sieve: Sieve, examples: int) -> None:
        self._job = job
        self._early = sieve
        self._sieve = replace(sieve, filters=sieve.filters.at_once())
        self._own = _own_reasons(job.filters)
        self._most_examples = examples
        self._rows = self._accepted = self._accepted_then = 0
        self._changes: Counter[tuple[Change, str]] = Counter()
        self._overlaps: Counter[str] = Counter()
        self._examples: list[PreviewExample] = []

    def at_rows(self, runtime: Runtime, most: int | None) -> bool:
        """Look at the accepted rows, then at the rejected; False when there were more."""
        for state in (RowState.ACCEPTED, RowState.REJECTED):
            for row in _rows(runtime, self._job.id, state):
                if most is not None and self._rows >= most:
                    return False
                self._rows += 1
                self._judge(row)
        return True

    def at_instructions(self, runtime: Runtime, most: int | None) -> bool:
        """Look at the instructions that were dropped before an answer; as above."""
        for looked, (text, reasons) in enumerate(_rejected(runtime, self._job.id)):
            if most is not None and looked >= most:
                return False
            kept = tuple(each for each in reasons if each not in self._own)
            judged, _ = self._early.candidate(Candidate(text, reasons=kept))
            if not judged.dropped:
                self._note(Change.INSTRUCTION_RETURNED, reasons[:1], None, text)
        return True

    def told(self, complete: bool) -> FilterPreview:
        """What was found."""
        by_change = {
            change: {name: n for (kind, name), n in self._changes.most_common() if kind is change}
            for change in Change
        }
        return FilterPreview(
            rows=self._rows,
            accepted=self._accepted,
            accepted_then=self._accepted_then,
            complete=complete,
            dropped=by_change[Change.DROPPED],
            flagged=by_change[Change.FLAGGED],
            returned=by_change[Change.RETURNED],
            instructions_returned=by_change[Change.INSTRUCTION_RETURNED],
            overlaps=overlaps_of(self._overlaps),
            examples=self._examples,
        )

    def _judge(self, row: RowRecord) -> None:
        kept = tuple(each for each in row.reasons if each not in self._own)
        sifted = self._sieve.row(row.instruction, instance_of(row, kept))
        self._overlaps.update(f"{each.set_name}:{each.rule}" for each in sifted.overlaps)
        was_dropped = row.state is RowState.REJECTED
        self._accepted += not was_dropped
        self._accepted_then += not sifted.instance.dropped
        self._compare(row, sifted, was_dropped)

    def _compare(self, row: RowRecord, sifted: Sifted, was_dropped: bool) -> None:
        is_dropped = sifted.instance.dropped
        if is_dropped and not was_dropped:
            self._note(Change.DROPPED, sifted.instance.reasons[:1], row)
        elif was_dropped and not is_dropped:
            self._note(Change.RETURNED, row.reasons[:1], row)
        if not is_dropped:
            new = tuple(each for each in sifted.flags if each not in row.flags)
            self._note(Change.FLAGGED, new, row)

    def _note(
        self, change: Change, reasons: Sequence[str], row: RowRecord | None, text: str = ""
    ) -> None:
        for reason in reasons:
            self._changes[change, reason] += 1
            if self._changes[change, reason] <= self._most_examples:
                self._examples.append(_example(change, str(reason), row, text))


def _example(change: Change, reason: str, row: RowRecord | None, text: str) -> PreviewExample:
    shown = (row.instruction, row.input, row.output) if row else (text, "", "")
    cut = [each if len(each) <= _SHOWN_CHARS else f"{each[:_SHOWN_CHARS]}…" for each in shown]
    return PreviewExample(change, reason, row.id if row else None, cut[0], cut[1], cut[2])


def instance_of(row: RowRecord, reasons: tuple[str, ...]) -> Instance:
    """A stored row as its method returned it, with these reasons."""
    messages = tuple(Message(Role(each["role"]), each["content"]) for each in row.messages or ())
    return Instance(row.input, row.output, reasons, messages, row.facts or {})


def _own_reasons(filters: Stored) -> frozenset[str]:
    """The names under which the job's own filters and evaluation sets dropped something."""
    on = [name for name, settings in filters.items() if settings is not None]
    return frozenset(reason for name in on for reason in reasons_of(name)) | set(OverlapRule)


def _rows(runtime: Runtime, job_id: UUID, state: RowState) -> Iterator[RowRecord]:
    """Page by page, each in a transaction of its own."""
    key = (-1, -1)
    while True:
        with runtime.database.transaction() as connection:
            found = rows.in_state_after(connection, job_id, state, key, _PAGE)
        yield from found
        if len(found) < _PAGE:
            return
        key = (found[-1].pool_seq, found[-1].position)


def _rejected(runtime: Runtime, job_id: UUID) -> Iterator[tuple[str, tuple[str, ...]]]:
    after = _FIRST
    while True:
        with runtime.database.transaction() as connection:
            found = candidates.rejected_after(connection, job_id, after, _PAGE)
        yield from ((text, reasons) for _, text, reasons in found)
        if len(found) < _PAGE:
            return
        after = found[-1][0]
