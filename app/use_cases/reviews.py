"""Reviews: draw a sample of a job's rows, take verdicts on them, say what share is valid."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from app.db import jobs, rows
from app.db import reviews as queries
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.review import (
    MOST_ROWS,
    Decision,
    Findings,
    Review,
    ReviewedRow,
    RowText,
    Verdict,
    findings,
    of_turns,
    read_verdict,
    same_text,
    text_of,
    text_problems,
    unless_same,
    verdict_problems,
)
from app.domain.stored import Job, Page
from app.errors import Conflict, InvalidInput, NotFound, Problem
from app.runtime import Runtime
from app.use_cases.descriptions import description_problems
from app.use_cases.once import Once

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
class Given:
    """A verdict as somebody gives it; texts that are None stay as they stand.

    `messages` are the contents of the turns of a dialogue, whose roles stay.
    """

    verdict: str
    reasons: Sequence[str] = ()
    note: str = ""
    reviewer: str | None = None
    instruction: str | None = None
    input: str | None = None
    output: str | None = None
    messages: Sequence[str] | None = None


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
        return state_of(connection, _get(connection, review_id))


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
        return Judged(after, changed, state_of(connection, review))


@dataclass(frozen=True, slots=True)
class Wish:
    """A verdict that was checked; `text` is what the row is to hold, None where it stays."""

    verdict: Verdict
    reasons: tuple[str, ...]
    note: str
    reviewer: str | None
    text: RowText | None


def read_given(given: Given, row: ReviewedRow) -> tuple[Wish | None, Sequence[Problem]]:
    """A verdict on a row, or everything that is wrong with it."""
    verdict = read_verdict(given.verdict)
    if verdict is None:
        detail = "must be keep, edit or drop"
        return None, [Problem("/verdict", "wrong_type", detail)]
    reasons = tuple(dict.fromkeys(given.reasons))
    problems = [*verdict_problems(verdict, reasons, given.note)]
    if given.reviewer is not None:
        problems += description_problems(reviewer=given.reviewer)
    text, misfits = _wanted_text(verdict, given, row)
    problems += misfits
    if problems:
        return None, problems
    return Wish(verdict, reasons, given.note, given.reviewer, text), ()


def _wanted_text(
    verdict: Verdict, given: Given, row: ReviewedRow
) -> tuple[RowText | None, Sequence[Problem]]:
    """What the row is to hold after the verdict, None where that is what it holds."""
    now = text_of(row.row)
    wanted, problems = _given_text(given, now)
    if problems:
        return None, problems
    if verdict is Verdict.EDITED:
        found = list(text_problems(wanted, row.made))
        return (None if same_text(wanted, now) else wanted), found
    if not (same_text(wanted, now) or same_text(wanted, row.made)):
        detail = f"texts were changed, but the verdict is {verdict}; edit the row to change them"
        return None, [Problem("/verdict", "conflicting_options", detail)]
    restored = verdict is Verdict.KEPT and not same_text(row.made, now)
    return (row.made if restored else None), ()


def _given_text(given: Given, now: RowText) -> tuple[RowText, Sequence[Problem]]:
    """The texts with what was given; a dialogue is changed by its turns alone."""
    turns = len(now.messages or ())
    if given.messages is not None and len(given.messages) != turns:
        detail = f"the row has {turns:,} turns; give the contents of each, or none"
        return now, [Problem("/messages", "wrong_type", detail)]
    told = told_text(given, now)
    if now.messages is None:
        return told, ()
    changed = now if given.messages is None else of_turns(given.messages, now)
    if given.messages is None and not same_text(told, now):
        detail = "the row is a dialogue; change its turns in messages"
        return now, [Problem("/messages", "conflicting_options", detail)]
    return changed, ()


def told_text(given: Given, now: RowText) -> RowText:
    """The texts as somebody gives them, as they stand where nothing is given."""
    turns = now.messages
    if given.messages is not None and len(given.messages) == len(now.messages or ()):
        turns = of_turns(given.messages, now).messages
    return RowText(
        unless_same(given.instruction, now.instruction),
        unless_same(given.input, now.input),
        unless_same(given.output, now.output),
        turns,
    )


def record(connection: Connection, review: Review, row: ReviewedRow, wish: Wish) -> bool:
    """Add the decision to a locked row's history, unless it was the last word already."""
    if wish.text is None and _said_before(row, wish):
        return False
    changes: Mapping[str, object] = {}
    if wish.text is not None:
        changes = {"before": text_of(row.row).as_json(), "after": wish.text.as_json()}
    values: dict[str, object] = {
        "row_id": row.row.id,
        "review_id": review.id,
        "verdict": wish.verdict,
        "reasons": list(wish.reasons),
        "note": wish.note,
        "reviewer": wish.reviewer or review.reviewer,
        **changes,
    }
    queries.decide(connection, values, wish.text)
    return True


def _said_before(row: ReviewedRow, wish: Wish) -> bool:
    """Whether this review's newest decision is the same, and the row stands by it."""
    last = row.decision
    return (
        last is not None
        and row.row.verdict == wish.verdict
        and (last.verdict, last.reasons, last.note) == (wish.verdict, wish.reasons, wish.note)
        and wish.reviewer in (None, last.reviewer)
    )
