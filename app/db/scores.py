"""Queries about the scores that judging jobs gave to rows."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db.batches import insert_many
from app.db.call_tables import completions, slots
from app.db.material_tables import job_sources
from app.db.tables import jobs, row_scores, rows
from app.domain.stored import RowScore

_METHOD = "judge"


def insert(connection: sa.Connection, values: Sequence[Mapping[str, object]]) -> None:
    """Store what was said of rows."""
    insert_many(connection, row_scores, values)


def of_rows(
    connection: sa.Connection, row_ids: Sequence[UUID]
) -> Mapping[UUID, Sequence[RowScore]]:
    """What was said of each row, the newest judging first, with the model and prompt of each."""
    query = (
        sa.select(
            row_scores,
            jobs.c.name.label("judge"),
            completions.c.model,
            slots.c.prompt["version"].astext.label("prompt_version"),
        )
        .join_from(row_scores, jobs, jobs.c.id == row_scores.c.judge_job_id)
        .outerjoin(slots, slots.c.id == row_scores.c.slot_id)
        .outerjoin(
            completions,
            sa.and_(
                completions.c.slot_id == slots.c.id,
                completions.c.attempt == slots.c.answered_attempt,
            ),
        )
        .where(row_scores.c.row_id.in_(row_ids))
        .order_by(row_scores.c.judge_job_id.desc())
    )
    found: dict[UUID, list[RowScore]] = {}
    for row in connection.execute(query):
        values = row._asdict()
        found.setdefault(values["row_id"], []).append(
            RowScore(**{name: values[name] for name in RowScore.__slots__})
        )
    return found


def overall(
    connection: sa.Connection, row_ids: Sequence[UUID], judge_job_id: UUID | None
) -> Mapping[UUID, float]:
    """The overall score of each row that has one: of that judging, else of the newest."""
    query = (
        sa.select(row_scores.c.row_id, row_scores.c.overall)
        .where(row_scores.c.row_id.in_(row_ids))
        .order_by(row_scores.c.judge_job_id)
    )
    if judge_job_id is not None:
        query = query.where(row_scores.c.judge_job_id == judge_job_id)
    return {row_id: value for row_id, value in connection.execute(query)}


def overall_of(table: "sa.FromClause", judge_job_id: UUID | None) -> sa.ScalarSelect[Any]:
    """The same of the row of a query, as a column of it."""
    query = (
        sa.select(row_scores.c.overall)
        .where(row_scores.c.row_id == table.c.id)
        .order_by(row_scores.c.judge_job_id.desc())
        .limit(1)
    )
    if judge_job_id is not None:
        query = query.where(row_scores.c.judge_job_id == judge_job_id)
    return query.correlate(table).scalar_subquery()


def judgings(connection: sa.Connection, job_id: UUID) -> Sequence[tuple[UUID, str]]:
    """The jobs that judge the rows of a job, the newest first; of a judging job itself."""
    judged = sa.select(job_sources.c.job_id).where(job_sources.c.source_job_id == job_id)
    query = (
        sa.select(jobs.c.id, jobs.c.name)
        .where(jobs.c.method == _METHOD, sa.or_(jobs.c.id == job_id, jobs.c.id.in_(judged)))
        .order_by(jobs.c.id.desc())
    )
    return [(key, name) for key, name in connection.execute(query)]


def of_judging(
    connection: sa.Connection, judge_job_id: UUID, job_id: UUID, most: int
) -> tuple[int, Sequence[tuple[float, Mapping[str, Sequence[float]]]]]:
    """How many rows of a job a judging scored, and the scores of at most so many of them.

    Of the judging job itself those are all that it scored, whosever they are.
    """
    own = [row_scores.c.judge_job_id == judge_job_id]
    source = sa.select(row_scores.c.row_id, row_scores.c.overall, row_scores.c.scores)
    if job_id != judge_job_id and _judges_others(connection, judge_job_id, job_id):
        source = source.join(rows, rows.c.id == row_scores.c.row_id)
        own.append(rows.c.job_id == job_id)
    counted = source.where(*own).with_only_columns(sa.func.count())
    count = connection.execute(counted).scalar_one()
    digest = sa.func.md5(sa.cast(row_scores.c.row_id, sa.Text))
    if count > 2 * most:  # a share of them by their digests, so that few are sorted by them
        own.append(digest < f"{int(0x10000 * 1.2 * most / count):04x}")
    query = source.where(*own).order_by(digest).limit(most)
    return count, [(overall, scores) for _, overall, scores in connection.execute(query)]


def _judges_others(connection: sa.Connection, judge_job_id: UUID, job_id: UUID) -> bool:
    """Whether a judging job scores rows of jobs other than this one."""
    others = sa.select(sa.literal(1)).where(
        job_sources.c.job_id == judge_job_id, job_sources.c.source_job_id != job_id
    )
    return connection.execute(sa.select(sa.exists(others))).scalar_one()
