"""The list of jobs, newest first, and what a new user is shown instead."""

from dataclasses import dataclass

from fastapi import Request, Response

from app.dashboard.context import page_router
from app.dashboard.live import BoardOfApp, first_sight, polled
from app.dashboard.rendering import page, rendered
from app.dashboard.views import job_view, poll_interval_s
from app.runtime import Runtime
from app.use_cases import jobs

PAGE_SIZE = 25

router = page_router()


@dataclass(frozen=True, slots=True)
class JobList:
    """One page of the list."""

    cursor: str | None

    def body(self, runtime: Runtime) -> bytes:
        """The list as it stands."""
        found = jobs.page(runtime, cursor=self.cursor, limit=PAGE_SIZE)
        views = tuple(map(job_view, found.items))
        values = {"jobs": views, "next": found.next, "poll_s": poll_interval_s(views)}
        return rendered("jobs_fragment.html", **values, cursor=self.cursor).encode()


@router.get("/dashboard/jobs")
async def job_list(board: BoardOfApp, cursor: str | None = None) -> Response:
    """Every job, newest first."""
    return page("jobs.html", **await first_sight(board, JobList(cursor)), cursor=cursor)


@router.get("/dashboard/jobs/fragment")
async def job_list_fragment(
    request: Request, board: BoardOfApp, cursor: str | None = None
) -> Response:
    """The part of the list that changes."""
    return await polled(request, board, JobList(cursor))
