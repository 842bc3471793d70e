"""A new job: the form made from each method's options, its estimate, and its first prompt."""

from uuid import UUID

from fastapi import Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.dashboard.forms import Form, SentForm, by_field, touched_by
from app.dashboard.job_form import (
    FIRST_METHOD,
    FIRST_ROWS,
    SOURCE,
    Reckoned,
    at_fields,
    form_of_job,
    offered,
    reckoned,
    without_profile,
)
from app.dashboard.prompt_fields import OURS, with_ours
from app.dashboard.rendering import page
from app.dashboard.rule_fields import HELD_AGAINST
from app.errors import InvalidInput
from app.runtime import Runtime
from app.use_cases import jobs, methods

router = page_router()


@router.get("/dashboard/jobs/new")
def new_job(
    runtime: RuntimeOfApp,
    clone: UUID | None = None,
    seed_set: UUID | None = None,
    teacher: UUID | None = None,
    template_set: UUID | None = None,
    source: UUID | None = None,
    evaluation_set: UUID | None = None,
    method: str = FIRST_METHOD,
) -> Response:
    """The empty form, or that of a job to run again."""
    if clone is not None:
        return _shown(runtime, form_of_job(jobs.get(runtime, clone), jobs.sources(runtime, clone)))
    given = {"seed_set_id": seed_set, "teacher_id": teacher, "template_set_id": template_set}
    fields = {name: [str(value)] for name, value in given.items() if value is not None}
    ticked = {SOURCE: source, HELD_AGAINST: evaluation_set}
    fields |= {name: [str(value)] for name, value in ticked.items() if value is not None}
    rows = [FIRST_ROWS] if methods.needs(method, "target_rows") else []
    return _shown(runtime, Form({**fields, "method": [method], "target_rows": rows}))


@router.post("/dashboard/jobs/new", dependencies=from_our_pages)
def submit_job(runtime: RuntimeOfApp, form: SentForm) -> Response:
    """Do what the pressed button says: show other options, estimate, or start the job."""
    match form.text("action"):
        case "method":
            return _shown(runtime, without_profile(form))
        case "profile":
            return _shown(runtime, form)
        case "estimate":
            return _shown(runtime, form, reckoned(runtime, form))
        case action if action.startswith(OURS):
            return _shown(runtime, with_ours(form, offered(runtime, form).prompts))
        case _:
            return _submitted(runtime, form)


@router.post("/dashboard/jobs/new/estimate", dependencies=from_our_pages)
def estimate_job(runtime: RuntimeOfApp, form: SentForm) -> Response:
    """The estimate alone, for a form that is being filled in."""
    found = reckoned(runtime, form)
    return page("estimate.html", estimate=found.estimate, problems=found.problems)


def _submitted(runtime: Runtime, form: Form) -> Response:
    found = reckoned(runtime, form)
    if found.problems:
        return _shown(runtime, form, found, status=422)
    try:
        job = jobs.submit(runtime, found.details)
    except InvalidInput as error:
        problems = at_fields(error.problems)
        return _shown(runtime, form, Reckoned(found.details, None, problems), status=422)
    return RedirectResponse(f"/dashboard/jobs/{job.id}", status_code=303)


def _shown(
    runtime: Runtime, form: Form, found: Reckoned | None = None, *, status: int = 200
) -> Response:
    problems = found.problems if found else ()
    wrong = by_field(problems)
    return page(
        "new_job.html",
        status,
        form=form,
        offered=offered(runtime, form),
        estimate=found.estimate if found else None,
        problems=problems,
        wrong=wrong,
        touched=touched_by(wrong),
    )
