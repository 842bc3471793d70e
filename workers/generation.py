"""Wake up for a job: there may be calls to make."""

from uuid import UUID

from workers.celery_app import celery_app, process


@celery_app.task(name="cultivar.generate")
def generate(job_id: str) -> None:
    """Drive the job for a slice."""
    process.engine.advance(UUID(job_id))
