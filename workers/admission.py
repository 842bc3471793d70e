"""Wake up for a pool: candidates may wait."""

from uuid import UUID

from app.use_cases.admission import admit
from workers.celery_app import celery_app, process


@celery_app.task(name="cultivar.admit")
def admit_pool(pool_id: str) -> None:
    """Judge every candidate that waits."""
    admit(process.runtime, process.indexes, UUID(pool_id), process.embedder)
