"""A job as someone who watches it sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.gates import Gate
from app.domain.stored import JobProgress


@dataclass(frozen=True, slots=True)
class DroppedText:
    """A candidate that was dropped, why, and how near it came to which instruction."""

    text: str
    reason: str
    score: float | None
    nearest: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """The newest failed call of one kind: what the teacher or the line to it said, and when."""

    kind: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class JobSample:
    """A job as it stood at a moment: what it had made by then, and spent (micro-USD).

    `candidates` are those that were judged by then, `novel` those of them that were novel.
    """

    at: datetime
    accepted: int
    candidates: int
    novel: int
    dropped: int
    calls: int
    spent_micro_usd: int


@dataclass(frozen=True, slots=True)
class LastError:
    """The newest error of a call: where its slot stands, its kind, its words, its age."""

    state: str
    reason: str
    detail: str
    age_s: float


@dataclass(frozen=True, slots=True)
class JobLook:
    """One look at a job; `gate` is None while no worker holds calls for its teacher."""

    progress: JobProgress
    slots: Mapping[str, int]
    teacher_name: str
    gate: Gate | None
    newest_rows: Sequence[str]
    newest_drops: Sequence[DroppedText]
    last_error: LastError | None


@dataclass(frozen=True, slots=True)
class JobStory:
    """What happened in a job lately and how it went so far, for whoever looks at it."""

    samples: Sequence[JobSample]
    drops: Sequence[DroppedText]
    troubles: Sequence[Trouble]
    now: datetime
