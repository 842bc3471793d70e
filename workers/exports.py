"""Wake up for an export: it should be made."""

from app.use_cases.exports import make
from workers.celery_app import celery_app, process, row_named


@celery_app.task(name="cultivar.export")
def export(export_id: str) -> None:
    """Write the file."""
    if known := row_named(export_id):
        make(process.runtime, known)
