"""Wake up for a training run: it should go on; knows rows, and no torch."""

from workers.celery_app import celery_app, process, row_named


@celery_app.task(name="cultivar.train")
def train(run_id: str) -> None:
    """Train it, in a process of its own that knows files."""
    if known := row_named(run_id):
        process.train(known)
