"""A job as someone who watches it sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.gates import Gate
from app.domain.stored import JobProgress


@dataclass(frozen=True, slots=True)
class DroppedText:
    """A candidate that was dropped, why, and how near it came to the nearest row."""

    text: str
    reason: str
    score: float | None


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
