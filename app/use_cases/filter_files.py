"""Filters and evaluation sets on files: for whoever has rows and no service."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from app.domain.contamination import Decontamination, EvaluationIndex, EvaluationItem, Overlap
from app.domain.filter import Action
from app.domain.filtering import JobFilters, build, resolve
from app.domain.profiles import DEFAULT_FILTERS
from app.domain.records import Instance, Message, Role
from app.domain.sieve import Sieve, Sifted
from app.errors import InvalidInput, Problem
from app.files.checked_rows import BadField, CheckedRows, Report, optional_text, text_field
from app.files.file_row import FileRow
from app.files.row_files import open_rows
from app.files.whole_file import written_whole

Task = tuple[str, tuple[Instance, ...]]
_DIALOGUES = (("messages", "role", "content"), ("conversations", "from", "value"))
_SPEAKERS = {
    **dict.fromkeys(("user", "human", "prompter"), Role.USER),
    **dict.fromkeys(("assistant", "gpt", "bot", "model"), Role.ASSISTANT),
}
_WITHOUT_VOICE = {"system", "tool", "function", "observation"}


@dataclass(frozen=True, slots=True)
class FileOrder:
    """What a file is held against: filters (none with `filters` None), and files of evaluation
    sets by what they share with the rows."""

    filters: Mapping[str, object] | None = field(default_factory=dict[str, object])
    against: Sequence[Path] = ()
    rules: Decontamination = field(default_factory=Decontamination)


@dataclass(frozen=True, slots=True)
class FileCheck:
    """Counts of rows: read and kept, dropped by the first reason, flagged by each.

    `overlaps` are rows that share something with an evaluation set, by its file and the rule.
    """

    read: int
    kept: int
    dropped: Mapping[str, int]
    flagged: Mapping[str, int]
    overlaps: Mapping[str, Mapping[str, int]]

    @property
    def unfit(self) -> int:
        return self.read - self.kept


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What becomes of one row; the fields are those of a line of the decisions file."""

    line: int
    kept: bool
    reasons: Sequence[str]
    flags: Sequence[str]
    overlaps: Sequence[Mapping[str, object]]


class _Files:
    """The evaluation sets that are files."""

    def __init__(self, indexes: Sequence[EvaluationIndex]) -> None:
        self._indexes = indexes

    def of_row(self, instruction: str, instance: Instance) -> Sequence[Overlap]:
        """The first overlap with each set."""
        found = (index.overlap(instruction, instance) for index in self._indexes)
        return tuple(overlap for overlap in found if overlap is not None)

    def of_instruction(self, instruction: str) -> Sequence[Overlap]:
        """Rows of files have their answers, so nothing is told beforehand."""
        return ()


def check_file(
    source: Path | None,
    order: FileOrder,
    *,
    out: Path | None = None,
    decisions: Path | None = None,
    report: Report | None = None,
) -> FileCheck:
    """Judge every row of a file, in flat memory; what stands goes to `out`, unchanged, in order.

    A `source` of None is standard input; without `out` only the counts come back. `decisions` gets
    a JSON line for every row. Nothing is written unless every row can be read: InvalidUpload names
    the bad ones; InvalidInput says what else is wrong.
    """
    sieve = _sieve(order, report)
    with ExitStack() as opened:
        kept = None if out is None else opened.enter_context(written_whole(_target(out)))
        noted = None if decisions is None else opened.enter_context(written_whole(decisions))
        file = opened.enter_context(open_rows(source))
        if kept is not None:
            kept.write(file.header)
        rows = CheckedRows(file, task_of, report)
        count = _Count()
        for row, task in rows:
            count.take(_judged(sieve, row, task), row, kept, noted)
        return count.told(rows.done())


def _target(out: Path) -> Path | None:
    return None if str(out) == "-" else out


def _sieve(order: FileOrder, report: Report | None) -> Sieve:
    filters = JobFilters() if order.filters is None else _filters(order.filters)
    if not order.against:
        return Sieve(filters)
    indexes = [_index(path, order.rules, report) for path in order.against]
    return Sieve(filters, _Files(indexes), Action(order.rules.action))


def _filters(given: Mapping[str, object]) -> JobFilters:
    stored, problems = resolve(DEFAULT_FILTERS, given)
    found, more = build(stored or {})
    if problems or found is None:
        raise InvalidInput("The filters cannot be set so.", problems=[*problems, *more])
    return found.at_once()


def _index(path: Path, rules: Decontamination, report: Report | None) -> EvaluationIndex:
    index = EvaluationIndex(str(path), rules)
    with open_rows(path) as file:
        rows = CheckedRows(file, task_of, report)
        index.extend(item for row, task in rows for item in _items(row.number, task))
        rows.done()
    return index


def _items(line: int, task: Task) -> Iterator[EvaluationItem]:
    instruction, instances = task
    for each in instances:
        output = "\n".join(turn.content for turn in each.messages) or each.output
        yield EvaluationItem(line, instruction, each.input, output)


def _judged(sieve: Sieve, row: FileRow, task: Task) -> _Verdict:
    """A row of several instances stands only as a whole."""
    instruction, instances = task
    sifted = [sieve.row(instruction, each) for each in instances]
    reasons = dict.fromkeys(str(reason) for each in sifted for reason in each.instance.reasons)
    flags = dict.fromkeys(str(flag) for each in sifted for flag in each.flags)
    return _Verdict(row.number, not reasons, list(reasons), list(flags), _told(sifted))


def _told(sifted: Sequence[Sifted]) -> Sequence[Mapping[str, object]]:
    return [
        {
            "set": overlap.set_name,
            "rule": str(overlap.rule),
            "line": overlap.position,
            "evidence": overlap.evidence,
        }
        for each in sifted
        for overlap in each.overlaps
    ]


class _Count:
    """What became of the rows so far."""

    def __init__(self) -> None:
        self._kept = 0
        self._dropped: Counter[str] = Counter()
        self._flagged: Counter[str] = Counter()
        self._overlaps: dict[str, Counter[str]] = {}

    def take(
        self, verdict: _Verdict, row: FileRow, kept: BinaryIO | None, noted: BinaryIO | None
    ) -> None:
        """Count a row, write it where it stands, and note what became of it."""
        self._kept += verdict.kept
        self._dropped.update(verdict.reasons[:1])
        self._flagged.update(verdict.flags)
        for each in dict.fromkeys((str(one["set"]), str(one["rule"])) for one in verdict.overlaps):
            self._overlaps.setdefault(each[0], Counter())[each[1]] += 1
        if kept is not None and verdict.kept:
            kept.write(row.raw)
        if noted is not None:
            noted.write(orjson.dumps(verdict, option=orjson.OPT_APPEND_NEWLINE))

    def told(self, read: int) -> FileCheck:
        """The counts, the largest first."""
        dropped, flagged = self._dropped.most_common(), self._flagged.most_common()
        return FileCheck(read, self._kept, dict(dropped), dict(flagged), self._overlaps)


def task_of(fields: Mapping[str, object]) -> Task:
    """An instruction and its instances out of the shapes that rows have; raises BadField.

    Known are instruction (with input and output, or with instances), prompt and completion, and
    dialogues as messages or conversations.
    """
    for name, speaker, text in _DIALOGUES:
        if isinstance(fields.get(name), list):
            return _dialogue(cast("list[Any]", fields[name]), name, speaker, text)
    if "prompt" in fields and "instruction" not in fields:
        return text_field(fields, "prompt"), (Instance("", text_field(fields, "completion")),)
    instruction = text_field(fields, "instruction")
    if isinstance(fields.get("instances"), list):
        return instruction, _instances(cast("list[Any]", fields["instances"]))
    given, output = optional_text(fields, "input"), optional_text(fields, "output")
    return instruction, (Instance(given or "", output or ""),)


def _instances(given: list[Any]) -> tuple[Instance, ...]:
    found: list[Instance] = []
    for place, each in enumerate(given):
        if not isinstance(each, dict):
            raise BadField(Problem(f"/instances/{place}", "wrong_type", "must be an object"))
        pair = cast("dict[str, object]", each)
        found.append(
            Instance(optional_text(pair, "input") or "", optional_text(pair, "output") or "")
        )
    return tuple(found) or (Instance("", ""),)


def _dialogue(turns: list[Any], name: str, speaker: str, text: str) -> Task:
    messages: list[Message] = []
    for place, turn in enumerate(turns):
        where = f"/{name}/{place}"
        if not isinstance(turn, dict):
            raise BadField(Problem(where, "wrong_type", "must be an object"))
        said = cast("dict[str, object]", turn)
        role, content = text_field(said, speaker), text_field(said, text)
        if role in _WITHOUT_VOICE:
            continue
        if role not in _SPEAKERS:
            detail = f"{speaker} must be one of {', '.join(_SPEAKERS)}"
            raise BadField(Problem(f"{where}/{speaker}", "wrong_type", detail))
        messages.append(Message(_SPEAKERS[role], content))
    return _task_of_turns(messages, name)


def _task_of_turns(messages: Sequence[Message], name: str) -> Task:
    asked = next((each.content for each in messages if each.role is Role.USER), None)
    answered = next((each.content for each in messages if each.role is Role.ASSISTANT), "")
    if asked is None:
        raise BadField(Problem(f"/{name}", "missing_field", "nobody asks anything"))
    return asked, (Instance("", answered, messages=tuple(messages)),)
