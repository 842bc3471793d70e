"""Wake up for a comparison: its judge should be asked."""

from workers.celery_app import celery_app, process, row_named


@celery_app.task(name="cultivar.compare")
def compare(comparison_id: str) -> None:
    """Ask what is left."""
    if known := row_named(comparison_id):
        process.compare(known)
