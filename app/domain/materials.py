"""What jobs are made from besides seeds: sets of templates, labelled rows, and other jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.domain.flan.cases import Case
from app.domain.records import Instance, Source
from app.domain.templates import Outcome, Template

# Facts of a row that was taken from another job: that job and its row.
FROM_JOB, FROM_ROW = "from_job", "from_row"


class Material(StrEnum):
    """What a method draws from."""

    SEEDS = "seed_set"
    LABELLED_ROWS = "labelled_set"
    JOBS = "sources"


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """A stored file of templates; `templates` says what each needs, `notices` what is odd."""

    id: UUID
    name: str
    dataset: str
    licence: str
    source: str
    sha256: str
    templates: Sequence[Mapping[str, object]]
    notices: Sequence[Mapping[str, object]]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Labelled rows; `columns` holds the types that were told or guessed, and the label names."""

    id: UUID
    name: str
    language: str
    licence: str
    source: str
    sha256: str
    columns: Mapping[str, object]
    row_count: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class JobSource:
    """A job whose rows another one mixes; None is in proportion to its rows, and no cap."""

    job_id: UUID
    weight: float | None = None
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class Pairing:
    """A template and what it made of a row."""

    template: Template
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class LabelledSource(Source):
    """A labelled row with what each template made of it; `row` counts from 0 in its set.

    Without `pairings` its `columns` themselves are the task. `neighbours` are tasks of other rows
    by template, from which worked examples are drawn.
    """

    row: int = 0
    dataset: str = ""
    columns: Mapping[str, object] | None = None
    pairings: tuple[Pairing, ...] = ()
    neighbours: Mapping[str, Sequence[Case]] = field(default_factory=dict[str, Sequence[Case]])


@dataclass(frozen=True, slots=True)
class MixedSource(Source):
    """A finished row of another job."""

    row: Instance | None = None


@dataclass(frozen=True, slots=True)
class MixedSources(Source):
    """All rows of one instruction of another job, in their order."""

    rows: tuple[MixedSource, ...] = ()
