"""Queries about reviews: their samples, and the decisions about rows."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from app.db.batches import insert_many
from app.db.paging import cursor_number, decode_cursor, encode_cursor, newest_first
from app.db.review_tables import review_rows, reviews, row_decisions
from app.db.rows import row_columns, row_record
from app.db.tables import rows
from app.db.together import ask
from app.domain.lifecycle import RowState
from app.domain.review import Decision, Review, ReviewedRow, RowText, Verdict, text_of
from app.domain.stored import Page, RowRecord

_standing = sa.and_(
    rows.c.state == RowState.ACCEPTED,
    sa.or_(rows.c.verdict.is_(None), rows.c.verdict != Verdict.DROPPED),
)
_order = (rows.c.pool_seq, rows.c.position)
_place = review_rows.c.position.label("place")


def population(connection: sa.Connection, job_id: UUID, most: int) -> int:
    """How many rows an export of the job would hold: accepted, not dropped, `most` at most."""
    query = sa.select(sa.func.count()).where(rows.c.job_id == job_id, _standing)
    return min(most, connection.execute(query).scalar_one())


def ids_at(connection: sa.Connection, job_id: UUID, places: Sequence[int]) -> Sequence[UUID]:
    """The rows at places of the export order, from 0; in the order of `places`."""
    numbered = (
        sa.select(rows.c.id, (sa.func.row_number().over(order_by=_order) - 1).label("place"))
        .where(rows.c.job_id == job_id, _standing)
        .subquery()
    )
    query = sa.select(numbered.c.place, numbered.c.id).where(numbered.c.place.in_(places))
    found = {place: row_id for place, row_id in connection.execute(query)}
    return [found[place] for place in places if place in found]


def insert(
    connection: sa.Connection, values: Mapping[str, object], row_ids: Sequence[UUID]
) -> None:
    """Store a review and its sample, in the order in which it was drawn."""
    connection.execute(reviews.insert().values(**values))
    sample = [
        {"review_id": values["id"], "position": at, "row_id": row_id}
        for at, row_id in enumerate(row_ids)
    ]
    insert_many(connection, review_rows, sample)


def get(connection: sa.Connection, review_id: UUID) -> Review | None:
    """One review, or None."""
    found = connection.execute(sa.select(reviews).where(reviews.c.id == review_id)).first()
    return Review(**found._asdict()) if found else None


def page(
    connection: sa.Connection, *, job_id: UUID | None, cursor: str | None, limit: int
) -> Page[Review]:
    """Reviews, newest first."""
    query = sa.select(reviews)
    if job_id is not None:
        query = query.where(reviews.c.job_id == job_id)
    asked = newest_first(
        query, reviews.c.id, lambda each: Review(**each), kind="reviews", cursor=cursor, limit=limit
    )
    return ask(connection, asked)


def delete(connection: sa.Connection, review_id: UUID) -> bool:
    """Remove a review; what it decided stays. False when there is none."""
    return connection.execute(reviews.delete().where(reviews.c.id == review_id)).rowcount > 0


def judged(connection: sa.Connection, review_id: UUID) -> Sequence[tuple[str, Sequence[str]]]:
    """The newest verdict of the review and its reasons, of each row that has one."""
    query = (
        sa.select(row_decisions.c.verdict, row_decisions.c.reasons)
        .ext(distinct_on(row_decisions.c.row_id))
        .where(row_decisions.c.review_id == review_id)
        .order_by(row_decisions.c.row_id, row_decisions.c.id.desc())
    )
    return [(verdict, tuple(reasons)) for verdict, reasons in connection.execute(query)]


def sample(
    connection: sa.Connection, review_id: UUID, *, first: int, limit: int
) -> Sequence[ReviewedRow]:
    """Rows of a sample from a position on, in its order."""
    query = (
        sa.select(_place, *row_columns)
        .join(rows, rows.c.id == review_rows.c.row_id)
        .where(review_rows.c.review_id == review_id, review_rows.c.position >= first)
        .order_by(review_rows.c.position)
        .limit(limit)
    )
    return _reviewed(connection, review_id, connection.execute(query).all())


def locked(
    connection: sa.Connection, review_id: UUID, row_ids: Sequence[UUID] | None
) -> Mapping[UUID, ReviewedRow]:
    """Rows of a sample, all for None, held until the transaction ends.

    They are locked in one order, so that none wait in a ring; what is not in the sample is left
    out.
    """
    query = (
        sa.select(_place, *row_columns)
        .join(rows, rows.c.id == review_rows.c.row_id)
        .where(review_rows.c.review_id == review_id)
        .order_by(rows.c.id)
        .with_for_update(of=rows)
    )
    if row_ids is not None:
        query = query.where(rows.c.id.in_(row_ids))
    found = _reviewed(connection, review_id, connection.execute(query).all())
    return {each.row.id: each for each in found}


def _reviewed(
    connection: sa.Connection, review_id: UUID, found: Sequence[sa.Row[Any]]
) -> Sequence[ReviewedRow]:
    records: list[tuple[int, RowRecord]] = []
    for each in found:
        values = each._asdict()
        records.append((values.pop("place"), row_record(values)))
    ids = [row.id for _, row in records]
    made, newest = _made(connection, ids), _newest(connection, review_id, ids)
    return [
        ReviewedRow(position, row, made.get(row.id) or text_of(row), newest.get(row.id))
        for position, row in records
    ]


def page_rows(
    connection: sa.Connection, review_id: UUID, *, cursor: str | None, limit: int
) -> Page[ReviewedRow]:
    """Rows of a sample in its order."""
    after = decode_cursor("review_rows", cursor, 1)
    first = 0 if after is None else cursor_number(after[0]) + 1
    found = sample(connection, review_id, first=first, limit=limit + 1)
    last = found[limit - 1].position if len(found) > limit else None
    return Page(found[:limit], None if last is None else encode_cursor("review_rows", [last]))


def next_unjudged(connection: sa.Connection, review_id: UUID, after: int) -> int | None:
    """The next position without a decision of the review, the first ones after the last."""
    decided = sa.exists().where(
        row_decisions.c.review_id == review_id, row_decisions.c.row_id == review_rows.c.row_id
    )
    query = (
        sa.select(review_rows.c.position)
        .where(review_rows.c.review_id == review_id, sa.not_(decided))
        .order_by(review_rows.c.position <= after, review_rows.c.position)
        .limit(1)
    )
    return connection.execute(query).scalar()


def _made(connection: sa.Connection, row_ids: Sequence[UUID]) -> Mapping[UUID, RowText]:
    """The first texts of those rows whose texts were ever changed."""
    query = (
        sa.select(row_decisions.c.row_id, row_decisions.c.before)
        .ext(distinct_on(row_decisions.c.row_id))
        .where(row_decisions.c.row_id.in_(row_ids), row_decisions.c.before.is_not(None))
        .order_by(row_decisions.c.row_id, row_decisions.c.id)
    )
    return {row_id: RowText(**before) for row_id, before in connection.execute(query)}


def _newest(
    connection: sa.Connection, review_id: UUID, row_ids: Sequence[UUID]
) -> Mapping[UUID, Decision]:
    query = (
        sa.select(row_decisions)
        .ext(distinct_on(row_decisions.c.row_id))
        .where(row_decisions.c.review_id == review_id, row_decisions.c.row_id.in_(row_ids))
        .order_by(row_decisions.c.row_id, row_decisions.c.id.desc())
    )
    return {each.row_id: _decision(each) for each in connection.execute(query)}


def _decision(found: sa.Row[Any]) -> Decision:
    values = found._asdict()
    known = {"verdict": Verdict(values["verdict"]), "reasons": tuple(values["reasons"])}
    return Decision(**{**values, **known})


def history(connection: sa.Connection, row_id: UUID) -> Sequence[Decision]:
    """Every decision about a row, the first one first."""
    query = sa.select(row_decisions).where(row_decisions.c.row_id == row_id)
    return [_decision(each) for each in connection.execute(query.order_by(row_decisions.c.id))]


def decide(connection: sa.Connection, values: Mapping[str, object], text: RowText | None) -> None:
    """Add a decision; the row takes its verdict, and the text where one is given."""
    connection.execute(row_decisions.insert().values(**values))
    changes: dict[str, object] = {"verdict": values["verdict"]}
    if text is not None:
        changes |= {name: value for name, value in text.as_json().items() if name != "messages"}
        if text.messages is not None:
            changes["messages"] = text.as_json()["messages"]
    connection.execute(rows.update().where(rows.c.id == values["row_id"]).values(**changes))


def verdicts(connection: sa.Connection, job_id: UUID) -> Mapping[str, int]:
    """How many accepted rows of a job carry each verdict."""
    query = (
        sa.select(rows.c.verdict, sa.func.count())
        .where(
            rows.c.job_id == job_id, rows.c.verdict.is_not(None), rows.c.state == RowState.ACCEPTED
        )
        .group_by(rows.c.verdict)
    )
    return {verdict: count for verdict, count in connection.execute(query)}


def of_job(connection: sa.Connection, job_id: UUID) -> Sequence[Review]:
    """The reviews of a job, oldest first."""
    query = sa.select(reviews).where(reviews.c.job_id == job_id).order_by(reviews.c.id)
    return [Review(**each._asdict()) for each in connection.execute(query)]
