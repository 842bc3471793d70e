"""The list of jobs, newest first, and what a new user is shown instead."""

from dataclasses import dataclass

from fastapi import Request, Response

from app.dashboard.context import page_router
from app.dashboard.live import BoardOfApp, Look, first_sight, polled
from app.dashboard.rendering import page, rendered
from app.dashboard.views import job_view, poll_interval_s
from app.domain.lifecycle import JobState
from app.runtime import Runtime
from app.use_cases import sights
from app.use_cases.first_steps import first_steps

PAGE_SIZE = 25

router = page_router()


@dataclass(frozen=True, slots=True)
class JobList(Look):
    """One page of the list."""

    state: JobState | None
    cursor: str | None

    def body(self, runtime: Runtime) -> bytes:
        """The list as it stands, or the first steps where there is no job at all."""
        sight = sights.of_jobs(runtime, state=self.state, cursor=self.cursor, limit=PAGE_SIZE)
        found = sight.page
        if not found.items and self.state is None and self.cursor is None:
            return rendered("first_steps.html", steps=first_steps(runtime), poll_s=15).encode()
        views = tuple(job_view(each, sight.rates.get(each.job.id)) for each in found.items)
        return rendered(
            "jobs_fragment.html",
            jobs=views,
            next=found.next,
            cursor=self.cursor,
            state=self.state,
            poll_s=poll_interval_s(views),
        ).encode()


@router.get("/dashboard/jobs")
async def job_list(
    board: BoardOfApp, state: JobState | None = None, cursor: str | None = None
) -> Response:
    """Every job, newest first."""
    seen = await first_sight(board, JobList(state, cursor))
    return page("jobs.html", **seen, state=state, states=list(JobState), cursor=cursor)


@router.get("/dashboard/jobs/fragment")
async def job_list_fragment(
    request: Request, board: BoardOfApp, state: JobState | None = None, cursor: str | None = None
) -> Response:
    """The part of the list that changes."""
    return await polled(request, board, JobList(state, cursor))
