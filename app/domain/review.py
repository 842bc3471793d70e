"""What people say of rows: kept as it is, edited, or dropped, with reasons out of a fixed list.

The reasons stand by the three questions that Self-Instruct asked of 200 rows (Wang et al. 2023,
https://arxiv.org/abs/2212.10560, table 2): does the instruction describe a valid task, does the
input fit it, is the output a correct and acceptable answer. The finer ones are classes of faults
that AlpacaDataCleaned found in Alpaca's rows.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.domain.stored import RowRecord
from app.domain.valid_share import ValidShare, valid_share
from app.errors import Problem

MOST_ROWS = 5_000
MOST_CHARACTERS = 100_000
MOST_NOTE_CHARACTERS = 2_000
OTHER = "other"


class Verdict(StrEnum):
    """What becomes of a row."""

    KEPT = "kept"
    EDITED = "edited"
    DROPPED = "dropped"


_VERBS = {"keep": Verdict.KEPT, "edit": Verdict.EDITED, "drop": Verdict.DROPPED}


class Field(StrEnum):
    """The part of a row that a reason speaks of."""

    INSTRUCTION = "instruction"
    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row is not sound; `field` is None where it is none of the three."""

    name: str
    field: Field | None
    words: str


REASONS = (
    Reason("no_valid_task", Field.INSTRUCTION, "the instruction describes no valid task"),
    Reason("unclear_instruction", Field.INSTRUCTION, "what is asked for cannot be told"),
    Reason("merged_tasks", Field.INSTRUCTION, "several tasks in one"),
    Reason("unfit_input", Field.INPUT, "the input does not fit the instruction"),
    Reason("wrong_output", Field.OUTPUT, "the output is not a correct answer"),
    Reason("incomplete_output", Field.OUTPUT, "the output leaves out what was asked for"),
    Reason("unsafe", Field.OUTPUT, "the output may do harm"),
    Reason("personal_data", None, "it tells of a person who did not agree"),
    Reason(OTHER, None, "something else, told in the note"),
)
_FIELD_OF = {each.name: each.field for each in REASONS}


@dataclass(frozen=True, slots=True)
class RowText:
    """The texts of a row; a dialogue has all its turns in `messages`, each role and content."""

    instruction: str
    input: str
    output: str
    messages: Sequence[Mapping[str, str]] | None = None

    def as_json(self) -> dict[str, object]:
        """Its members as they are stored with a decision."""
        turns = None if self.messages is None else [dict(each) for each in self.messages]
        return {
            "instruction": self.instruction,
            "input": self.input,
            "output": self.output,
            "messages": turns,
        }


def text_of(row: RowRecord) -> RowText:
    """The texts of a row as they stand."""
    return RowText(row.instruction, row.input, row.output, row.messages)


def of_turns(contents: Sequence[str], before: RowText) -> RowText:
    """A dialogue with other contents: its first exchange is its instruction and output."""
    turns = [
        {**old, "content": content}
        for old, content in zip(before.messages or (), contents, strict=True)
    ]
    first = {role: _first(turns, role) for role in ("user", "assistant")}
    return RowText(
        before.instruction if first["user"] is None else first["user"],
        before.input,
        before.output if first["assistant"] is None else first["assistant"],
        turns,
    )


def _first(turns: Sequence[Mapping[str, str]], role: str) -> str | None:
    return next((each["content"] for each in turns if each["role"] == role), None)


@dataclass(frozen=True, slots=True)
class Review:
    """A sample of a job's rows for people to judge, drawn evenly from `population` rows."""

    id: UUID
    job_id: UUID
    name: str
    reviewer: str
    random_seed: int
    sample_rows: int
    population: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody said of a row, and when; `before` and `after` where it changed the texts.

    Decisions are only added, so those of a row are its history; the newest holds.
    """

    id: int
    row_id: UUID
    review_id: UUID | None
    verdict: Verdict
    reasons: tuple[str, ...]
    note: str
    reviewer: str
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ReviewedRow:
    """A row of a sample: `position` from 0, `made` its texts as the job made them.

    `decision` is the newest of this review, None before the first.
    """

    position: int
    row: RowRecord
    made: RowText
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class Findings:
    """What the verdicts of a review say so far.

    A row is valid if it was kept; `fields` count a row as sound in a field unless a reason speaks
    of it, as the table of Self-Instruct does.
    """

    judged: int
    verdicts: Mapping[str, int]
    reasons: Mapping[str, int]
    valid: ValidShare
    fields: Mapping[str, ValidShare]


def findings(found: Iterable[tuple[str, Sequence[str]]], population: int) -> Findings:
    """The estimate from the newest verdict and reasons of each judged row."""
    judged = list(found)
    verdicts = Counter(verdict for verdict, _ in judged)
    reasons = Counter(name for _, names in judged for name in names)
    faulty = Counter(
        field for _, names in judged for field in {_FIELD_OF.get(name) for name in names} if field
    )
    count = len(judged)
    return Findings(
        judged=count,
        verdicts={each.value: verdicts[each] for each in Verdict},
        reasons=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        valid=valid_share(verdicts[Verdict.KEPT], count, population),
        fields={each.value: valid_share(count - faulty[each], count, population) for each in Field},
    )


def read_verdict(word: str) -> Verdict | None:
    """A verdict out of what people write: keep or kept, in any case; None for anything else."""
    plain = word.strip().lower()
    if plain in _VERBS:
        return _VERBS[plain]
    return Verdict(plain) if plain in set(Verdict) else None


def verdict_problems(verdict: Verdict, reasons: Sequence[str], note: str) -> Iterator[Problem]:
    """What is wrong with a verdict and its reasons."""
    unknown = [each for each in reasons if each not in _FIELD_OF]
    if unknown:
        known = ", ".join(_FIELD_OF)
        yield Problem(
            "/reasons", "wrong_type", f"there is no reason {unknown[0]!r}; known: {known}"
        )
    if verdict is Verdict.KEPT and reasons:
        detail = "a row that is kept has no faults; leave the reasons out, or edit or drop it"
        yield Problem("/reasons", "conflicting_options", detail)
    if verdict is not Verdict.KEPT and not reasons:
        yield Problem("/reasons", "missing_field", f"say why it is {verdict}: at least one reason")
    if OTHER in reasons and not note.strip():
        yield Problem("/note", "missing_field", f"say in the note what {OTHER} is")
    if len(note) > MOST_NOTE_CHARACTERS:
        yield Problem("/note", "too_long", f"at most {MOST_NOTE_CHARACTERS:,} characters")
    yield from _unstorable("/note", note)


def text_problems(text: RowText, made: RowText) -> Iterator[Problem]:
    """What is wrong with edited texts; `made` is what the job made."""
    if same_text(text, made):
        detail = "an edited row differs from what the job made; change a text, or keep the row"
        yield Problem("/verdict", "conflicting_options", detail)
    for name, value in _named_texts(text):
        if len(value) > MOST_CHARACTERS:
            yield Problem(f"/{name}", "too_long", f"at most {MOST_CHARACTERS:,} characters")
        yield from _unstorable(f"/{name}", value)
        if name != Field.INPUT and not value.strip():
            yield Problem(f"/{name}", "blank", "must not be blank")


def _named_texts(text: RowText) -> Iterator[tuple[str, str]]:
    if text.messages is not None:
        for at, each in enumerate(text.messages):
            yield f"messages/{at}", each["content"]
        return
    yield Field.INSTRUCTION, text.instruction
    yield Field.INPUT, text.input
    yield Field.OUTPUT, text.output


def _unstorable(pointer: str, text: str) -> Iterator[Problem]:
    if "\0" in text:
        yield Problem(pointer, "nul_character", "must not hold a NUL character")
    if any("\ud800" <= each <= "\udfff" for each in text):
        yield Problem(pointer, "lone_surrogate", "holds half of a surrogate pair")


def same_text(one: RowText, other: RowText) -> bool:
    """Whether two texts are equal, whichever line ends a program wrote."""
    return _plain(one) == _plain(other)


def _plain(text: RowText) -> tuple[object, ...]:
    turns = tuple((each["role"], _one_line_end(each["content"])) for each in text.messages or ())
    return (*map(_one_line_end, (text.instruction, text.input, text.output)), turns)


def _one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n")


def unless_same(given: str | None, now: str) -> str:
    """A text as it is given, but as it stands where only its line ends differ, or none is given."""
    return now if given is None or _one_line_end(given) == _one_line_end(now) else given
