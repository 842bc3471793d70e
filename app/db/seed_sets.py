"""Queries about seed sets and their seeds."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.ids import new_id
from app.db.paging import cursor_number, decode_cursor, encode_cursor, newest_first
from app.db.tables import jobs, seed_sets, seeds
from app.db.together import ask
from app.domain.records import Seed, SeedInstance, SeedKind
from app.domain.stored import Page, SeedSet, StoredSeed


def insert(connection: sa.Connection, values: SeedSet) -> None:
    """Store a seed set whose seeds are there already (same transaction) or follow."""
    columns = {name: getattr(values, name) for name in SeedSet.__slots__ if name != "created_at"}
    connection.execute(seed_sets.insert().values(**columns))


def complete(connection: sa.Connection, seed_set_id: UUID, *, sha256: str, row_count: int) -> None:
    """Write what is known only after the last line."""
    connection.execute(
        seed_sets.update()
        .where(seed_sets.c.id == seed_set_id)
        .values(sha256=sha256, row_count=row_count)
    )


def change(connection: sa.Connection, seed_set_id: UUID, values: Mapping[str, str]) -> bool:
    """Change what is said about a set; False when there is none."""
    statement = seed_sets.update().where(seed_sets.c.id == seed_set_id).values(**values)
    return connection.execute(statement).rowcount > 0


def copy_seeds(
    connection: sa.Connection, seed_set_id: UUID, first_position: int, items: Sequence[Seed]
) -> None:
    """Append seeds by COPY, the fastest way in."""
    raw: Any = connection.connection.driver_connection
    statement = (
        "COPY seeds (id, seed_set_id, position, external_id, name, instruction, instances, "
        "is_classification, facts) FROM STDIN"
    )
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for position, seed in enumerate(items, first_position):
            copy.write_row(
                (
                    new_id(),
                    seed_set_id,
                    position,
                    seed.external_id,
                    seed.name,
                    seed.instruction,
                    _instances(seed),
                    seed.is_classification,
                    orjson.dumps(dict(seed.facts)).decode() if seed.facts else None,
                )
            )


def _instances(seed: Seed) -> str:
    pairs = [{"input": each.input, "output": each.output} for each in seed.instances]
    return orjson.dumps(pairs).decode()


def by_sha256(connection: sa.Connection, sha256: str) -> SeedSet | None:
    """The set made from a seed file with this digest."""
    query = sa.select(seed_sets).where(
        seed_sets.c.sha256 == sha256, seed_sets.c.kind == SeedKind.TASKS
    )
    row = connection.execute(query).first()
    return SeedSet(**row._asdict()) if row else None


def get(connection: sa.Connection, seed_set_id: UUID) -> SeedSet | None:
    """One set, or None."""
    row = connection.execute(sa.select(seed_sets).where(seed_sets.c.id == seed_set_id)).first()
    return SeedSet(**row._asdict()) if row else None


def page(
    connection: sa.Connection, *, cursor: str | None, limit: int, kind: SeedKind | None = None
) -> Page[SeedSet]:
    """Sets, newest first, of one kind or of all."""
    query = sa.select(seed_sets)
    if kind is not None:
        query = query.where(seed_sets.c.kind == kind)
    asked = newest_first(
        query,
        seed_sets.c.id,
        lambda each: SeedSet(**each),
        kind="seed_sets",
        cursor=cursor,
        limit=limit,
    )
    return ask(connection, asked)


def page_seeds(
    connection: sa.Connection, seed_set_id: UUID, *, cursor: str | None, limit: int
) -> Page[StoredSeed]:
    """Seeds of a set in file order."""
    after = decode_cursor("seeds", cursor, 1)
    first = -1 if after is None else cursor_number(after[0])
    found = seeds_after(connection, seed_set_id, first, limit + 1)
    more = encode_cursor("seeds", [found[limit - 1].position]) if len(found) > limit else None
    return Page(found[:limit], more)


def seeds_after(
    connection: sa.Connection, seed_set_id: UUID, position: int, limit: int
) -> list[StoredSeed]:
    """Up to `limit` seeds behind `position`, in file order."""
    query = (
        sa.select(seeds)
        .where(seeds.c.seed_set_id == seed_set_id, seeds.c.position > position)
        .order_by(seeds.c.position)
        .limit(limit)
    )
    return [_seed(row._asdict()) for row in connection.execute(query)]


def all_seeds(connection: sa.Connection, seed_set_id: UUID) -> list[StoredSeed]:
    """Every seed of a set in file order."""
    query = sa.select(seeds).where(seeds.c.seed_set_id == seed_set_id).order_by(seeds.c.position)
    return [_seed(row._asdict()) for row in connection.execute(query)]


def spread_seeds(connection: sa.Connection, seed_set_id: UUID, most: int) -> list[StoredSeed]:
    """About so many seeds of a set, evenly spread over it, in file order."""
    found = connection.execute(_spread(connection, seed_set_id, most, seeds))
    return [_seed(row._asdict()) for row in found]


def spread_instructions(connection: sa.Connection, seed_set_id: UUID, most: int) -> Sequence[str]:
    """The same of their instructions alone."""
    query = _spread(connection, seed_set_id, most, seeds.c.instruction)
    return connection.execute(query).scalars().all()


def _spread(connection: sa.Connection, seed_set_id: UUID, most: int, what: Any) -> "sa.Select[Any]":
    """A query for some seeds, which finds each by its place and reads no others."""
    last = sa.select(sa.func.max(seeds.c.position)).where(seeds.c.seed_set_id == seed_set_id)
    end = (connection.execute(last).scalar() or 0) + 1  # of documents that left there are gaps
    places = list(range(0, end, max(1, -(-end // most))))
    return (
        sa.select(what)
        .where(
            seeds.c.seed_set_id == seed_set_id,
            seeds.c.position == sa.any_(sa.literal(places, ARRAY(sa.BigInteger))),
        )
        .order_by(seeds.c.position)
    )


def seed_bytes(connection: sa.Connection, seed_set_id: UUID) -> tuple[int, int]:
    """Bytes of all instructions of a set, and of its longest seed with its instances."""
    whole = sa.func.octet_length(sa.cast(seeds.c.instances, sa.Text))
    instruction = sa.func.octet_length(seeds.c.instruction)
    query = sa.select(
        sa.func.coalesce(sa.func.sum(instruction), 0),
        sa.func.coalesce(sa.func.max(instruction + whole), 0),
    ).where(seeds.c.seed_set_id == seed_set_id)
    row = connection.execute(query).one()
    return int(row[0]), int(row[1])


def _seed(row: dict[str, Any]) -> StoredSeed:
    row.pop("seed_set_id")
    instances = tuple(SeedInstance(each["input"], each["output"]) for each in row.pop("instances"))
    return StoredSeed(instances=instances, **row)


def users(connection: sa.Connection, seed_set_id: UUID, *, limit: int = 10) -> list[UUID]:
    """Jobs that use the set."""
    query = sa.select(jobs.c.id).where(jobs.c.seed_set_id == seed_set_id).limit(limit)
    return list(connection.execute(query).scalars())


def delete(connection: sa.Connection, seed_set_id: UUID) -> bool:
    """Remove a set with its seeds; False when there is none."""
    done = connection.execute(seed_sets.delete().where(seed_sets.c.id == seed_set_id))
    return done.rowcount > 0
