"""The report of a job, computed from what is stored; nothing of it is kept."""

from collections.abc import Sequence
from uuid import UUID

from app.db import pools, reports, scores
from app.db.engine import Connection
from app.domain import texts_report
from app.domain.report import Judging, Report, Saturation, Spent, funnel, judging
from app.domain.report_page import report_page
from app.domain.stored import Job
from app.domain.tokens import Tokens
from app.runtime import Runtime
from app.use_cases import jobs
from app.use_cases.job_context import read_seeds

_SCORES_READ = 20_000
_POINTS = 40


def of_job(runtime: Runtime, job_id: UUID) -> Report:
    """The report; raises NotFound."""
    progress = jobs.progress(runtime, job_id)
    job = progress.job
    with runtime.database.transaction() as connection:
        count, texts = reports.texts(connection, job_id, job.target_rows, texts_report.ROWS_READ)
        saturation = _saturation(connection, job)
        cost = _cost(connection, job_id)
        seeds = _seeds(connection, job)
        judged = _judgings(connection, job_id)
        tokens = Tokens(pools.get(connection, job.pool_id).tokens)
    told = texts_report.Told(
        job=job.name,
        method=f"{job.method}, profile {job.profile}",
        simulated=job.simulated,
        funnel=funnel(progress.calls, progress.candidates, progress.rows),
        drops=progress.drops,
        saturation=saturation,
        cost=cost,
        judgings=judged,
    )
    return texts_report.report_of(told, count, texts, seeds, tokens)


def _seeds(connection: Connection, job: Job) -> Sequence[str]:
    if job.seed_set_id is None:
        return ()
    return [each.instruction for each in read_seeds(connection, job.seed_set_id).ordered]


def page(runtime: Runtime, job_id: UUID) -> str:
    """The report as one HTML file; raises NotFound."""
    return report_page(of_job(runtime, job_id))


def _judgings(connection: Connection, job_id: UUID) -> Sequence[Judging]:
    """What judging jobs said of the job's rows, or of other jobs' where it is one itself."""
    found: list[Judging] = []
    for judge_id, name in scores.judgings(connection, job_id):
        rows, said = scores.of_judging(connection, judge_id, job_id, _SCORES_READ)
        if rows:
            found.append(judging(judge_id, name, rows, said))
    return found


def _saturation(connection: Connection, job: Job) -> Sequence[Saturation]:
    calls = max(1, job.next_propose)
    found = reports.saturation(connection, job.id, calls, _POINTS)
    return [Saturation(-(-at * calls // _POINTS), count, novel) for at, count, novel in found]


def _cost(connection: Connection, job_id: UUID) -> Sequence[Spent]:
    """Money and rows as they added up, at the end of equal parts of the job's time."""
    span = reports.span(connection, job_id)
    if span is None:
        return ()
    paid = dict(reports.spent(connection, job_id, *span, _POINTS))
    made = dict(reports.accepted(connection, job_id, *span, _POINTS))
    points: list[Spent] = []
    micro_usd = rows = 0
    for at in range(1, _POINTS + 1):
        micro_usd, rows = micro_usd + paid.get(at, 0), rows + made.get(at, 0)
        points.append(Spent((span[1] - span[0]) * at / _POINTS, micro_usd, rows))
    return points
