"""Wake up for a job: there may be calls to make."""

from workers.celery_app import celery_app, process, row_named


@celery_app.task(name="cultivar.generate")
def generate(job_id: str) -> None:
    """Drive the job for a slice."""
    if known := row_named(job_id):
        process.engine.advance(known)
