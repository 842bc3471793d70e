"""What a job was made from, through all jobs that it mixes: files of people, and teachers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from app.db import documents, job_sources, jobs, labelled_sets, seed_sets, teachers, template_sets
from app.db.engine import Connection
from app.domain.card import CardSeedSet, CardTeacher
from app.domain.materials import LabelledSet, TemplateSet
from app.domain.records import SeedKind
from app.domain.stored import Job, SeedSet, StoredDocument, TeacherRecord
from app.errors import NotFound


@dataclass(slots=True)
class Origins:
    """Files and teachers, each once; `mixed` are the facts of the jobs that were mixed.

    `documents` are those of the seed sets that hold documents.
    """

    seed_sets: dict[UUID, SeedSet] = field(default_factory=dict[UUID, SeedSet])
    documents: dict[UUID, Sequence[StoredDocument]] = field(
        default_factory=dict[UUID, Sequence[StoredDocument]]
    )
    labelled_sets: dict[UUID, LabelledSet] = field(default_factory=dict[UUID, LabelledSet])
    template_sets: dict[UUID, TemplateSet] = field(default_factory=dict[UUID, TemplateSet])
    teachers: dict[UUID, TeacherRecord] = field(default_factory=dict[UUID, TeacherRecord])
    mixed: list[Mapping[str, object]] = field(default_factory=list[Mapping[str, object]])

    def manifest(self, job: Job) -> Mapping[str, object]:
        """The members of a manifest; those of seeds and teacher are null where there are none."""
        facts: dict[str, object] = {
            "seed_set": job.seed_set_id and self._seed_set(job.seed_set_id),
            "teacher": job.teacher_id and _teacher(self.teachers[job.teacher_id]),
        }
        if job.labelled_set_id is not None:
            facts["labelled_set"] = _material(self.labelled_sets[job.labelled_set_id])
        if job.template_set_id is not None:
            facts["template_set"] = _material(self.template_sets[job.template_set_id])
        if self.mixed:
            facts["sources"] = list(self.mixed)
        return facts

    def _seed_set(self, seed_set_id: UUID) -> Mapping[str, object]:
        facts = _seed_set(self.seed_sets[seed_set_id])
        if seed_set_id not in self.documents:
            return facts
        names = ("name", "kind", "sha256", "chunk_characters", "chunk_count")
        listed = [
            {name: getattr(each, name) for name in names} for each in self.documents[seed_set_id]
        ]
        return {**facts, "documents": listed}

    def card_sets(self) -> Sequence[CardSeedSet]:
        """Every file that rows grew from, with its licence."""
        seeds = [
            CardSeedSet(each.name, each.licence, each.source, each.language, each.row_count)
            for each in self.seed_sets.values()
        ]
        rows = [
            CardSeedSet(
                f"{each.name} (labelled rows)",
                each.licence,
                each.source,
                each.language,
                each.row_count,
            )
            for each in self.labelled_sets.values()
        ]
        templates = [
            CardSeedSet(
                f"{each.name} (templates)", each.licence, each.source, "", len(each.templates)
            )
            for each in self.template_sets.values()
        ]
        return [*seeds, *rows, *templates]

    def card_teachers(self) -> Sequence[CardTeacher]:
        """Every model that wrote text."""
        return [
            CardTeacher(each.name, each.model, each.terms, each.simulated)
            for each in self.teachers.values()
        ]


def origins_of(connection: Connection, job: Job) -> Origins:
    """Everything behind a job; raises NotFound when some of it is gone."""
    found = Origins()
    _gather(connection, job, found, set())
    return found


def _gather(connection: Connection, job: Job, found: Origins, seen: set[UUID]) -> None:
    if job.seed_set_id is not None:
        seed_set = _there(seed_sets.get(connection, job.seed_set_id), "seed set")
        found.seed_sets[seed_set.id] = seed_set
        if seed_set.kind == SeedKind.DOCUMENTS:
            found.documents[seed_set.id] = documents.of_set(connection, seed_set.id)
    if job.labelled_set_id is not None:
        labelled = labelled_sets.get(connection, job.labelled_set_id)
        found.labelled_sets[job.labelled_set_id] = _there(labelled, "labelled set")
    if job.template_set_id is not None:
        templates = template_sets.get(connection, job.template_set_id)
        found.template_sets[job.template_set_id] = _there(templates, "template set")
    if job.teacher_id is not None:
        teacher = teachers.get(connection, job.teacher_id)
        found.teachers[job.teacher_id] = _there(teacher, "teacher")
    for each in job_sources.of_job(connection, job.id):
        if each.job_id in seen:
            continue
        seen.add(each.job_id)
        source = _there(jobs.get(connection, each.job_id), "source")
        found.mixed.append(_mixed(source, each.weight, each.cap))
        _gather(connection, source, found, seen)


Found = TypeVar("Found")


def _there(value: Found | None, noun: str) -> Found:
    if value is None:
        raise NotFound(f"The {noun} of this job is gone.")
    return value


def _seed_set(seed_set: SeedSet) -> Mapping[str, object]:
    names = ["name", "language", "licence", "source", "sha256", "tokens"]
    facts = {name: getattr(seed_set, name) for name in names}
    return {"id": str(seed_set.id), **facts, "rows": seed_set.row_count}


def _teacher(teacher: TeacherRecord) -> Mapping[str, object]:
    return {name: getattr(teacher, name) for name in ("name", "model", "terms", "simulated")}


def _material(found: LabelledSet | TemplateSet) -> Mapping[str, object]:
    names = ("name", "licence", "source", "sha256")
    return {"id": str(found.id), **{name: getattr(found, name) for name in names}}


def _mixed(job: Job, weight: float | None, cap: int | None) -> Mapping[str, object]:
    return {
        "job_id": str(job.id),
        "name": job.name,
        "method": job.method,
        "weight": weight,
        "cap": cap,
    }
