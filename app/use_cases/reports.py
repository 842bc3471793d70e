"""The report of a job, computed from what is stored; nothing of it is kept."""

from collections.abc import Sequence
from uuid import UUID

from app.db import pools, reports, reviews, samples, scores, seed_sets
from app.db.engine import Connection
from app.domain import texts_report
from app.domain.report import Judging, Report, Saturation, Spent, funnel, judging
from app.domain.report_page import report_page
from app.domain.review import Verdict
from app.domain.stored import Job, JobProgress
from app.domain.tokens import Tokens
from app.runtime import Runtime
from app.use_cases import jobs
from app.use_cases.job_context import read_seeds

_SCORES_READ = 20_000
_POINTS = 40
# Jobs and sets up to this size are read whole, which takes less than half a second.
_WHOLE = 50_000
# Of larger ones so much is read: the share of new instructions in a fortieth of the calls is then
# told to some hundredths, and the likeness to the nearest seed is a lower bound.
_CALLS_READ = 4_000
_SEEDS_READ = 20_000


def of_job(runtime: Runtime, job_id: UUID) -> Report:
    """The report; raises NotFound.

    Of a job so large that reading all of it takes seconds, a part is read that is evenly spread
    over it, and the report's notes say what part.
    """
    progress = jobs.progress(runtime, job_id)
    job = progress.job
    with runtime.database.transaction() as connection:
        count, texts = _texts(connection, progress)
        saturation, of_calls = _saturation(connection, job)
        cost, of_samples = _cost(connection, progress)
        seeds, of_seeds = _seeds(connection, job)
        judged = _judgings(connection, job_id)
        tokens = Tokens(pools.get(connection, job.pool_id).tokens)
    notes = {"saturation": of_calls, "cost": of_samples, "nearest_seed": of_seeds}
    told = texts_report.Told(
        job=job.name,
        method=f"{job.method}, profile {job.profile}",
        simulated=job.simulated,
        funnel=funnel(progress.calls, progress.candidates, progress.rows),
        drops=progress.drops,
        saturation=saturation,
        cost=cost,
        judgings=judged,
        notes={name: words for name, words in notes.items() if words},
    )
    return texts_report.report_of(told, count, texts, seeds, tokens)


def _texts(connection: Connection, progress: JobProgress) -> tuple[int, texts_report.Texts]:
    """How many rows the dataset has, and the texts of some, evenly spread."""
    job, most = progress.job, texts_report.ROWS_READ
    if progress.accepted_rows <= _WHOLE:
        return reports.texts(connection, job.id, job.target_rows, most)
    found = progress.accepted_rows - reviews.verdicts(connection, job.id).get(Verdict.DROPPED, 0)
    count = min(found, job.target_rows)
    last_seq = reports.place_of(connection, job.id, found - count)
    return count, reports.texts_of_some(connection, job.id, last_seq, most)


def _seeds(connection: Connection, job: Job) -> tuple[Sequence[str], str]:
    seed_set = job.seed_set_id and seed_sets.get(connection, job.seed_set_id)
    if not seed_set:
        return (), ""
    if seed_set.row_count <= _WHOLE:
        return [each.instruction for each in read_seeds(connection, seed_set.id).ordered], ""
    found = seed_sets.spread_instructions(connection, seed_set.id, _SEEDS_READ)
    return found, f"by {len(found):,} of the {seed_set.row_count:,} seeds, evenly spread"


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


def _saturation(connection: Connection, job: Job) -> tuple[Sequence[Saturation], str]:
    calls, words = max(1, job.next_propose), ""
    if calls <= _CALLS_READ:
        found = reports.saturation(connection, job.id, calls, _POINTS)
    else:
        numbers = range(0, calls, -(-calls // _CALLS_READ))
        some = reports.saturation_of_some(connection, job.id, numbers, calls, _POINTS)
        share = calls / len(numbers)
        found = [(at, round(count * share), round(novel * share)) for at, count, novel in some]
        words = f"from {len(numbers):,} of the {calls:,} proposing calls, evenly spread"
    return [
        Saturation(-(-at * calls // _POINTS), count, novel) for at, count, novel in found
    ], words


def _cost(connection: Connection, progress: JobProgress) -> tuple[Sequence[Spent], str]:
    """Money and rows as they added up, at the end of equal parts of the job's time."""
    job = progress.job
    if job.calls <= _WHOLE or not (taken := samples.of_job(connection, job.id)):
        return _cost_by_ledger(connection, job.id), ""
    began = job.started_at or taken[0].at
    looks = [
        ((each.at - began).total_seconds(), each.spent_micro_usd, each.accepted) for each in taken
    ]
    end = ((job.finished_at or samples.now(connection)) - began).total_seconds()
    looks.append((end, job.spent_micro_usd, progress.accepted_rows))
    return _spread(looks), f"from {len(taken):,} looks at the job while it ran"


def _spread(looks: Sequence[tuple[float, int, int]]) -> Sequence[Spent]:
    """Seconds, money and rows at the end of equal parts of the time, as the last look saw them."""
    end, points, at = looks[-1][0], list[Spent](), 0
    for part in range(1, _POINTS + 1):
        while at + 1 < len(looks) and looks[at + 1][0] <= end * (part / _POINTS):
            at += 1
        points.append(Spent(end * (part / _POINTS), *looks[at][1:]))
    return points


def _cost_by_ledger(connection: Connection, job_id: UUID) -> Sequence[Spent]:
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
