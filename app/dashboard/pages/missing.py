"""What is shown at an address of the dashboard that is none; it is tried last."""

from app.dashboard.context import page_router
from app.errors import NotFound

router = page_router()


@router.get("/dashboard/{path:path}")
def missing(path: str) -> None:
    """Say so, on a page that leads on."""
    raise NotFound("There is no such page.")
