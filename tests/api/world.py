"""One of everything that the service keeps, and the number of rows in every table."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.db import jobs as job_queries
from app.db.ids import new_id
from app.db.schema import metadata
from app.domain.documents import DocumentKind
from app.domain.lifecycle import JobState
from app.runtime import Runtime
from app.use_cases import document_sets, evaluation_sets, exports, jobs
from app.use_cases.document_sets import DocumentDetails
from app.use_cases.jobs import JobDetails
from app.use_cases.seed_sets import SeedSetDetails
from tests.api.stored_job import StoredJob, stored_job, stored_teacher


@dataclass(frozen=True)
class World:
    """Jobs in several states, an export that is ready and one that is not, an unknown id."""

    stored: StoredJob
    ready_export: UUID
    queued_export: UUID
    succeeded: UUID
    cancelled: UUID
    priceless_teacher: UUID
    evaluation_set: UUID
    documents: UUID
    unknown: UUID

    def names(self) -> Mapping[str, str]:
        """What paths and bodies of a table of cases may name in braces."""
        job = self.stored.job
        return {
            "job": str(job.id),
            "seed_set": str(job.seed_set_id),
            "teacher": str(job.teacher_id),
            "row": str(self.stored.row_ids[0]),
            "ready_export": str(self.ready_export),
            "queued_export": str(self.queued_export),
            "succeeded": str(self.succeeded),
            "cancelled": str(self.cancelled),
            "priceless_teacher": str(self.priceless_teacher),
            "evaluation_set": str(self.evaluation_set),
            "documents": str(self.documents),
            "unknown": str(self.unknown),
        }


def build_world(runtime: Runtime) -> World:
    """Fill an empty database."""
    stored = stored_job(runtime)
    ready = exports.request(runtime, stored.job.id, "alpaca_jsonl").id
    exports.make(runtime, ready)
    queued = exports.request(runtime, stored.job.id, "alpaca_jsonl").id
    details = JobDetails(stored.job.seed_set_id, stored.job.teacher_id, 1)
    succeeded, cancelled = jobs.submit(runtime, details).id, jobs.submit(runtime, details).id
    with runtime.database.transaction() as connection:
        for state in (JobState.RUNNING, JobState.SUCCEEDED):
            job_queries.move(connection, succeeded, state)
        for state in (JobState.CANCELLING, JobState.CANCELLED):
            job_queries.move(connection, cancelled, state)
    priceless = stored_teacher(
        runtime, name="priceless", input_micro_usd_per_million=None, api_key=None
    )
    exam = evaluation_sets.EvaluationSetDetails("exam")
    items = [b'{"instruction": "Name the tree."}\n{"instruction": "Count the trees."}\n']
    held = evaluation_sets.add(runtime, exam, items).evaluation_set.id
    documents = document_sets.create(runtime, SeedSetDetails("kitchen")).id
    tea = DocumentDetails("tea.txt", DocumentKind.TEXT)
    document_sets.add_document(runtime, documents, tea, [b"Green tea. Black tea."])
    return World(stored, ready, queued, succeeded, cancelled, priceless, held, documents, new_id())


def row_counts(runtime: Runtime) -> Mapping[str, int]:
    """How many rows each table has."""
    with runtime.database.transaction() as connection:
        return {
            table.name: connection.execute(
                sa.select(sa.func.count()).select_from(table)
            ).scalar_one()
            for table in metadata.sorted_tables
        }
