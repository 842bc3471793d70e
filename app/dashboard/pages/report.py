"""The report of a job as a page that can be printed."""

from functools import partial
from uuid import UUID

from fastapi import Response
from markupsafe import Markup

from app.dashboard.context import RuntimeOfApp, page_router
from app.dashboard.rendering import streamed
from app.domain.report_page import report_lead
from app.domain.report_sections import report_sections
from app.runtime import Runtime
from app.use_cases import jobs, reports, reviews

REVIEWS_SHOWN = 5

router = page_router()


@router.get("/dashboard/jobs/{job_id}/report")
def job_report(runtime: RuntimeOfApp, job_id: UUID) -> Response:
    """What came of a job, computed now; its head is shown while the rows are still being read."""
    job = jobs.get(runtime, job_id)
    return streamed("report.html", job=job, compute=partial(_computed, runtime, job_id))


def _computed(runtime: Runtime, job_id: UUID) -> dict[str, object]:
    report = reports.of_job(runtime, job_id)
    # The domain escaped every text in them.
    return {
        "lead": Markup(report_lead(report)),  # noqa: S704
        "sections": [(each, Markup(each.html)) for each in report_sections(report)],  # noqa: S704
        "reviews": reviews.page(runtime, job_id=job_id, limit=REVIEWS_SHOWN).items,
    }
