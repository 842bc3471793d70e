"""Queries about teachers."""

from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa

from app.db.paging import newest_first
from app.db.tables import jobs, teachers
from app.db.together import Question, ask
from app.domain.stored import Page, TeacherRecord


def insert(connection: sa.Connection, record: TeacherRecord) -> None:
    """Store a teacher; a taken name raises the database's unique violation (`name_taken` first)."""
    names = [name for name in TeacherRecord.__slots__ if name != "created_at"]
    values = {name: getattr(record, name) for name in names}
    connection.execute(teachers.insert().values(**values))


def update(connection: sa.Connection, teacher_id: UUID, values: Mapping[str, object]) -> None:
    """Change some columns."""
    connection.execute(teachers.update().where(teachers.c.id == teacher_id).values(**values))


def get(
    connection: sa.Connection, teacher_id: UUID, *, for_update: bool = False
) -> TeacherRecord | None:
    """One teacher, or None."""
    query = sa.select(teachers).where(teachers.c.id == teacher_id)
    row = connection.execute(query.with_for_update(key_share=True) if for_update else query).first()
    return TeacherRecord(**row._asdict()) if row else None


def of_job(job_id: UUID) -> Question[TeacherRecord | None]:
    """The teacher of a job, or None."""
    query = sa.select(teachers).join(jobs, jobs.c.teacher_id == teachers.c.id)
    return Question(
        query.where(jobs.c.id == job_id),
        lambda rows: TeacherRecord(**rows[0]._asdict()) if rows else None,
    )


def by_name(connection: sa.Connection, name: str) -> TeacherRecord | None:
    """The teacher of that name."""
    row = connection.execute(sa.select(teachers).where(teachers.c.name == name)).first()
    return TeacherRecord(**row._asdict()) if row else None


def page(connection: sa.Connection, *, cursor: str | None, limit: int) -> Page[TeacherRecord]:
    """Teachers, newest first."""
    asked = newest_first(
        sa.select(teachers),
        teachers.c.id,
        lambda each: TeacherRecord(**each),
        kind="teachers",
        cursor=cursor,
        limit=limit,
    )
    return ask(connection, asked)


def with_keys(connection: sa.Connection) -> list[TeacherRecord]:
    """Every teacher that has a key."""
    query = sa.select(teachers).where(teachers.c.sealed_key.is_not(None)).order_by(teachers.c.id)
    return [TeacherRecord(**row._asdict()) for row in connection.execute(query)]


def sealed_otherwise(
    connection: sa.Connection, head: bytes, after: UUID | None, limit: int
) -> list[TeacherRecord]:
    """Teachers whose sealed key does not begin like that, by id; locked until the end."""
    query = sa.select(teachers).where(
        teachers.c.sealed_key.is_not(None),
        sa.func.substring(teachers.c.sealed_key, 1, len(head)) != head,
    )
    if after is not None:
        query = query.where(teachers.c.id > after)
    found = connection.execute(
        query.order_by(teachers.c.id).limit(limit).with_for_update(key_share=True)
    )
    return [TeacherRecord(**row._asdict()) for row in found]


def users(connection: sa.Connection, teacher_id: UUID, *, limit: int = 10) -> list[UUID]:
    """Jobs that use the teacher, for texts or for embeddings."""
    uses = sa.or_(jobs.c.teacher_id == teacher_id, jobs.c.embedder_id == teacher_id)
    query = sa.select(jobs.c.id).where(uses).limit(limit)
    return list(connection.execute(query).scalars())


def delete(connection: sa.Connection, teacher_id: UUID) -> bool:
    """Remove a teacher; False when there is none."""
    return connection.execute(teachers.delete().where(teachers.c.id == teacher_id)).rowcount > 0
