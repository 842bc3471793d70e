"""The way in, and the dashboard's own style sheet, script and icon."""

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import page_router
from app.dashboard.static_files import files
from app.errors import NotFound

_A_YEAR_S = 31_536_000

router = page_router()


@router.get("/")
@router.get("/dashboard")
def start() -> RedirectResponse:
    """The way in."""
    return RedirectResponse("/dashboard/jobs", status_code=302)


@router.get("/dashboard/static/{name}")
def static(request: Request, name: str) -> Response:
    """A file of the dashboard's own; the address names its content, so it is asked for once."""
    found = files().get(name)
    if found is None:
        raise NotFound("There is no such file.")
    kept = found.tag == request.query_params.get("v")
    age_s = _A_YEAR_S if kept else 60
    headers = {"Cache-Control": f"public, max-age={age_s}"}
    return Response(found.data, headers=headers, media_type=found.media_type)
