"""The report of a job as a page that can be printed."""

from uuid import UUID

from fastapi import Response
from markupsafe import Markup

from app.dashboard.context import RuntimeOfApp, page_router
from app.dashboard.rendering import page
from app.domain.report_page import report_lead
from app.domain.report_sections import report_sections
from app.use_cases import jobs, reports, reviews

REVIEWS_SHOWN = 5

router = page_router()


@router.get("/dashboard/jobs/{job_id}/report")
def job_report(runtime: RuntimeOfApp, job_id: UUID) -> Response:
    """What came of a job, computed now."""
    report = reports.of_job(runtime, job_id)
    # The domain escaped every text in them.
    sections = [(each, Markup(each.html)) for each in report_sections(report)]  # noqa: S704
    return page(
        "report.html",
        job=jobs.get(runtime, job_id),
        report=report,
        lead=Markup(report_lead(report)),  # noqa: S704
        sections=sections,
        reviews=reviews.page(runtime, job_id=job_id, limit=REVIEWS_SHOWN).items,
    )
