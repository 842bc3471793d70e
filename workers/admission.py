"""Wake up for a pool: candidates may wait."""

from app.use_cases.admission import admit
from workers.celery_app import celery_app, process, row_named


@celery_app.task(name="cultivar.admit")
def admit_pool(pool_id: str) -> None:
    """Judge every candidate that waits."""
    if known := row_named(pool_id):
        admit(process.runtime, process.indexes, known, process.embedder)
