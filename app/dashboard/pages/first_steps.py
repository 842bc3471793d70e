"""The samples that a new user can click: seeds, a demo teacher, a job of both."""

from fastapi.responses import RedirectResponse

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.use_cases import first_steps

router = page_router()


@router.post("/dashboard/samples/seeds", dependencies=from_our_pages)
def sample_seeds(runtime: RuntimeOfApp) -> RedirectResponse:
    """Store the sample seeds."""
    first_steps.add_sample_seeds(runtime)
    return RedirectResponse("/dashboard/jobs", status_code=303)


@router.post("/dashboard/samples/teacher", dependencies=from_our_pages)
def demo_teacher(runtime: RuntimeOfApp) -> RedirectResponse:
    """Register the demo teacher."""
    first_steps.add_demo_teacher(runtime)
    return RedirectResponse("/dashboard/jobs", status_code=303)


@router.post("/dashboard/samples/job", dependencies=from_our_pages)
def sample_job(runtime: RuntimeOfApp) -> RedirectResponse:
    """Start a small job of the samples."""
    job = first_steps.submit_sample_job(runtime)
    return RedirectResponse(f"/dashboard/jobs/{job.id}", status_code=303)
