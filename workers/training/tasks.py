"""Wake up for a training run: it should go on; knows rows, and no torch."""

from uuid import UUID

from workers.celery_app import celery_app, process


@celery_app.task(name="cultivar.train")
def train(run_id: str) -> None:
    """Train it, in a process of its own that knows files."""
    process.train(UUID(run_id))
