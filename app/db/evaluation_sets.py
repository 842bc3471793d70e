"""Queries about evaluation sets and their items."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from app.db.evaluation_tables import evaluation_items, evaluation_sets, job_evaluation_sets
from app.db.paging import cursor_number, decode_cursor, encode_cursor, newest_first
from app.db.together import ask
from app.domain.records import Seed, SeedInstance
from app.domain.stored import EvaluationSet, Page, StoredItem


def insert(connection: sa.Connection, values: Mapping[str, object]) -> None:
    """Store a set whose items follow in the same transaction."""
    connection.execute(evaluation_sets.insert().values(**values))


def complete(connection: sa.Connection, set_id: UUID, *, sha256: str, row_count: int) -> None:
    """Write what is known only after the last line."""
    connection.execute(
        evaluation_sets.update()
        .where(evaluation_sets.c.id == set_id)
        .values(sha256=sha256, row_count=row_count)
    )


def copy_items(
    connection: sa.Connection, set_id: UUID, first_position: int, items: Sequence[Seed]
) -> None:
    """Append items by COPY."""
    raw: Any = connection.connection.driver_connection
    statement = (
        "COPY evaluation_items (evaluation_set_id, position, instruction, instances) FROM STDIN"
    )
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for position, item in enumerate(items, first_position):
            pairs = [{"input": each.input, "output": each.output} for each in item.instances]
            copy.write_row((set_id, position, item.instruction, orjson.dumps(pairs).decode()))


def by_sha256(connection: sa.Connection, sha256: str) -> EvaluationSet | None:
    """The set made from a file with this digest."""
    return _first(connection, evaluation_sets.c.sha256 == sha256)


def get(connection: sa.Connection, set_id: UUID) -> EvaluationSet | None:
    """One set, or None."""
    return _first(connection, evaluation_sets.c.id == set_id)


def _first(connection: sa.Connection, condition: "sa.ColumnElement[bool]") -> EvaluationSet | None:
    row = connection.execute(sa.select(evaluation_sets).where(condition)).first()
    return EvaluationSet(**row._asdict()) if row else None


def page(connection: sa.Connection, *, cursor: str | None, limit: int) -> Page[EvaluationSet]:
    """Sets, newest first."""
    asked = newest_first(
        sa.select(evaluation_sets),
        evaluation_sets.c.id,
        lambda each: EvaluationSet(**each),
        kind="evaluation_sets",
        cursor=cursor,
        limit=limit,
    )
    return ask(connection, asked)


def page_items(
    connection: sa.Connection, set_id: UUID, *, cursor: str | None, limit: int
) -> Page[StoredItem]:
    """Items of a set in file order."""
    after = decode_cursor("evaluation_items", cursor, 1)
    first = -1 if after is None else cursor_number(after[0])
    found = items_after(connection, set_id, first, limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    more = encode_cursor("evaluation_items", [last.position]) if last else None
    return Page(found[:limit], more)


def items_after(
    connection: sa.Connection, set_id: UUID, position: int, limit: int
) -> list[StoredItem]:
    """Up to `limit` items behind `position`, in file order."""
    items = evaluation_items
    query = (
        sa.select(items.c.position, items.c.instruction, items.c.instances)
        .where(items.c.evaluation_set_id == set_id, items.c.position > position)
        .order_by(items.c.position)
        .limit(limit)
    )
    return [
        StoredItem(
            position=row.position,
            instruction=row.instruction,
            instances=tuple(SeedInstance(each["input"], each["output"]) for each in row.instances),
        )
        for row in connection.execute(query)
    ]


def use(connection: sa.Connection, job_id: UUID, set_ids: Sequence[UUID]) -> None:
    """Note the sets that a job is held against."""
    values = [{"job_id": job_id, "evaluation_set_id": set_id} for set_id in set_ids]
    if values:
        connection.execute(job_evaluation_sets.insert(), values)


def users(connection: sa.Connection, set_id: UUID, *, limit: int = 10) -> list[UUID]:
    """Jobs that are held against the set."""
    sets = job_evaluation_sets
    query = sa.select(sets.c.job_id).where(sets.c.evaluation_set_id == set_id).limit(limit)
    return list(connection.execute(query).scalars())


def delete(connection: sa.Connection, set_id: UUID) -> bool:
    """Remove a set with its items; False when there is none."""
    done = connection.execute(evaluation_sets.delete().where(evaluation_sets.c.id == set_id))
    return done.rowcount > 0
