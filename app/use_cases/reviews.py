"""Reviews: draw a sample of a job's rows, take verdicts on them, say what share is valid."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from app.db import jobs, rows
from app.db import reviews as queries
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.review import MOST_ROWS, Decision, Findings, Review, ReviewedRow, findings
from app.domain.stored import Job, Page
from app.errors import Conflict, InvalidInput, NotFound, Problem
from app.runtime import Runtime
from app.use_cases import audit
from app.use_cases.descriptions import description_problems
from app.use_cases.once import Once
from app.use_cases.verdicts import Given, read_given, record

UNNAMED = "unnamed"
_SEEDS = 1 << 62


@dataclass(frozen=True, slots=True)
class ReviewDetails:
    """What a caller wants judged: `rows` of them, drawn by `random_seed`.

    `reviewer` stands for everyone who gives no name of their own with a verdict.
    """

    job_id: UUID
    rows: int = 200
    random_seed: int = 0
    name: str = ""
    reviewer: str = UNNAMED


@dataclass(frozen=True, slots=True)
class ReviewState:
    """A review and what its verdicts say so far."""

    review: Review
    findings: Findings


@dataclass(frozen=True, slots=True)
class Judged:
    """A row after a verdict; `changed` is False where the same was said before."""

    row: ReviewedRow
    changed: bool
    state: ReviewState = field(repr=False)


def start(runtime: Runtime, details: ReviewDetails, once: Once | None = None) -> ReviewState:
    """Draw a sample without return; a job with fewer rows gives all of them.

    The same seed and rows give the same sample. Raises NotFound, InvalidInput, or Conflict for a
    job without rows.
    """
    problems = list(_problems(details))
    if problems:
        raise InvalidInput("The review cannot be begun.", problems=problems)
    with runtime.database.transaction() as connection:
        if once and (known := once.made_before(connection)):
            return state_of(connection, _get(connection, known))
        job = jobs.get(connection, details.job_id)
        if job is None:
            raise NotFound(f"There is no job {details.job_id}.")
        review_id = _drawn(connection, job, details)
        if once:
            once.made(connection, review_id)
        state = state_of(connection, _get(connection, review_id))
        audit.note(runtime, connection, "review.start", review_id, job=str(job.id))
        return state


def _problems(details: ReviewDetails) -> Iterator[Problem]:
    if not 1 <= details.rows <= MOST_ROWS:
        yield Problem("/rows", "out_of_range", f"must be from 1 to {MOST_ROWS:,}")
    if not 0 <= details.random_seed < _SEEDS:
        yield Problem("/random_seed", "out_of_range", f"must be from 0 to {_SEEDS - 1:,}")
    yield from description_problems(reviewer=details.reviewer)
    if details.name:
        yield from description_problems(name=details.name)


def _drawn(connection: Connection, job: Job, details: ReviewDetails) -> UUID:
    population = queries.population(connection, job.id, job.target_rows)
    if not population:
        raise Conflict(f"The job {job.id} has no rows to review yet.")
    size = min(details.rows, population)
    places = Random(details.random_seed).sample(range(population), size)
    row_ids = queries.ids_at(connection, job.id, places)
    values: dict[str, object] = {
        "id": new_id(),
        "job_id": job.id,
        "name": details.name or f"{len(row_ids):,} rows of {job.name}"[:200],
        "reviewer": details.reviewer,
        "random_seed": details.random_seed,
        "sample_rows": len(row_ids),
        "population": population,
    }
    queries.insert(connection, values, row_ids)
    return UUID(str(values["id"]))


def _get(connection: Connection, review_id: UUID) -> Review:
    found = queries.get(connection, review_id)
    if found is None:
        raise no_review(review_id)
    return found


def no_review(review_id: UUID) -> NotFound:
    """That there is no such review."""
    return NotFound(f"There is no review {review_id}.")


def state_of(connection: Connection, review: Review) -> ReviewState:
    """A review with what its verdicts say so far."""
    return ReviewState(review, findings(queries.judged(connection, review.id), review.population))


def get(runtime: Runtime, review_id: UUID) -> ReviewState:
    """One review with its estimate; raises NotFound."""
    with runtime.database.transaction() as connection:
        return state_of(connection, _get(connection, review_id))


def page(
    runtime: Runtime, *, job_id: UUID | None = None, cursor: str | None = None, limit: int = 50
) -> Page[ReviewState]:
    """Reviews with their estimates, newest first."""
    with runtime.database.transaction() as connection:
        found = queries.page(connection, job_id=job_id, cursor=cursor, limit=limit)
        return Page([state_of(connection, each) for each in found.items], found.next)


def page_rows(
    runtime: Runtime, review_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> Page[ReviewedRow]:
    """The sample in its order, with the newest verdict on each row; raises NotFound."""
    with runtime.database.transaction() as connection:
        _get(connection, review_id)
        return queries.page_rows(connection, review_id, cursor=cursor, limit=limit)


def row_at(runtime: Runtime, review_id: UUID, position: int) -> ReviewedRow:
    """One row of the sample by its position from 0; raises NotFound."""
    with runtime.database.transaction() as connection:
        _get(connection, review_id)
        found = queries.sample(connection, review_id, first=position, limit=1)
    if not found or found[0].position != position:
        raise NotFound(f"The review has no row {position + 1}.")
    return found[0]


def next_unjudged(runtime: Runtime, review_id: UUID, after: int = -1) -> int | None:
    """The next position without a verdict, from the beginning again after the end; None if none."""
    with runtime.database.transaction() as connection:
        return queries.next_unjudged(connection, review_id, after)


def history(runtime: Runtime, row_id: UUID) -> Sequence[Decision]:
    """Every decision about a row, the first one first; raises NotFound."""
    with runtime.database.transaction() as connection:
        if rows.get(connection, row_id) is None:
            raise NotFound(f"There is no row {row_id}.")
        return queries.history(connection, row_id)


def delete(runtime: Runtime, review_id: UUID) -> None:
    """Remove a review and its sample; its decisions stay with the rows. Raises NotFound."""
    with runtime.database.transaction() as connection:
        if not queries.delete(connection, review_id):
            raise no_review(review_id)
        audit.note(runtime, connection, "review.delete", review_id)


def decide(runtime: Runtime, review_id: UUID, row_id: UUID, given: Given) -> Judged:
    """Take a verdict on a row of the sample; the same once more changes nothing.

    An edited row carries its new texts from now on, and a dropped one leaves exports. A row that is
    kept is kept as the job made it: an edit before is taken back. Raises NotFound, InvalidInput.
    """
    with runtime.database.transaction() as connection:
        review = _get(connection, review_id)
        row = queries.locked(connection, review_id, [row_id]).get(row_id)
        if row is None:
            raise NotFound(f"The review {review_id} has no row {row_id}.")
        wish, problems = read_given(given, row)
        if wish is None:
            raise InvalidInput("The verdict cannot be taken.", problems=problems)
        changed = record(connection, review, row, wish)
        [after] = queries.sample(connection, review_id, first=row.position, limit=1)
        judged = Judged(after, changed, state_of(connection, review))
        if changed:
            audit.note(runtime, connection, f"row.{wish.verdict}", row_id, review=str(review_id))
        return judged
