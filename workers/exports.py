"""Wake up for an export: it should be made."""

from uuid import UUID

from app.use_cases.exports import make
from workers.celery_app import celery_app, process


@celery_app.task(name="cultivar.export")
def export(export_id: str) -> None:
    """Write the file."""
    make(process.runtime, UUID(export_id))
