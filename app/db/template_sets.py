"""Queries about template sets."""

from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa

from app.db.material_tables import template_sets
from app.db.paging import newest_first
from app.db.tables import jobs
from app.db.together import ask
from app.domain.materials import TemplateSet
from app.domain.stored import Page

_columns = [template_sets.c[name] for name in TemplateSet.__slots__]


def insert(connection: sa.Connection, values: Mapping[str, object]) -> None:
    """Store a set."""
    connection.execute(template_sets.insert().values(**values))


def by_sha256(connection: sa.Connection, sha256: str) -> TemplateSet | None:
    """The set made from a file with this digest."""
    row = connection.execute(sa.select(*_columns).where(template_sets.c.sha256 == sha256)).first()
    return TemplateSet(**row._asdict()) if row else None


def get(connection: sa.Connection, template_set_id: UUID) -> TemplateSet | None:
    """One set, or None."""
    query = sa.select(*_columns).where(template_sets.c.id == template_set_id)
    row = connection.execute(query).first()
    return TemplateSet(**row._asdict()) if row else None


def content(connection: sa.Connection, template_set_id: UUID) -> str | None:
    """The file of a set as it came, or None."""
    query = sa.select(template_sets.c.content).where(template_sets.c.id == template_set_id)
    return connection.execute(query).scalar()


def page(connection: sa.Connection, *, cursor: str | None, limit: int) -> Page[TemplateSet]:
    """Sets, newest first."""
    asked = newest_first(
        sa.select(*_columns),
        template_sets.c.id,
        lambda each: TemplateSet(**each),
        kind="template_sets",
        cursor=cursor,
        limit=limit,
    )
    return ask(connection, asked)


def users(connection: sa.Connection, template_set_id: UUID, *, limit: int = 10) -> list[UUID]:
    """Jobs that use the set."""
    query = sa.select(jobs.c.id).where(jobs.c.template_set_id == template_set_id).limit(limit)
    return list(connection.execute(query).scalars())


def delete(connection: sa.Connection, template_set_id: UUID) -> bool:
    """Remove a set; False when there is none."""
    done = connection.execute(template_sets.delete().where(template_sets.c.id == template_set_id))
    return done.rowcount > 0
