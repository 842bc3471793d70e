"""Batches as people see them: whether a teacher can be given any, and those of a job."""

from collections.abc import Iterator
from uuid import UUID

from app.db import jobs, teacher_batches
from app.domain.lifecycle import Delivery
from app.domain.stored import Page, TeacherBatch, TeacherRecord
from app.errors import NotFound, Problem
from app.runtime import Runtime


def delivery_problems(delivery: str, teacher: TeacherRecord | None) -> Iterator[Problem]:
    """What keeps a job from being delivered so; batch prices are never derived from the others."""
    if delivery not in set(Delivery):
        yield Problem("/delivery", "wrong_type", f"must be one of {', '.join(Delivery)}")
    if teacher is None or delivery != Delivery.BATCH:
        return
    prices = (
        teacher.batch_input_micro_usd_per_million,
        teacher.batch_output_micro_usd_per_million,
    )
    if None in prices:
        yield Problem(
            "/delivery",
            "price_required",
            "batch needs the teacher's batch prices: give it batch_input_micro_usd_per_million "
            "and batch_output_micro_usd_per_million, 0 if it is free",
        )


def page(
    runtime: Runtime, job_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[TeacherBatch]:
    """The batches of a job, newest first; raises NotFound."""
    with runtime.database.transaction() as connection:
        if jobs.get(connection, job_id) is None:
            raise NotFound(f"There is no job {job_id}.")
        return teacher_batches.page(connection, job_id, cursor=cursor, limit=limit)
