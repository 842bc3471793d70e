"""Queries about worker processes and the sweep that looks after them."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db.clock import NOW, seconds
from app.db.tables import sweeps, workers
from app.db.together import Question, ask
from app.domain.gates import Gate

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_SWEEP_LOCK = 0x7377656570  # "sweep"


def register(
    connection: sa.Connection, worker_id: UUID, *, kind: str, host: str, process: int
) -> None:
    """Make a worker known."""
    values = {"id": worker_id, "kind": kind, "host": host, "process": process}
    connection.execute(workers.insert().values(**values))


def beat(connection: sa.Connection, worker_id: UUID, gates: Sequence[Gate] = ()) -> bool:
    """Say that a worker lives and how its doors stand; False when it was forgotten meanwhile."""
    told = [dataclasses.asdict(gate) for gate in gates]
    done = connection.execute(
        workers.update().where(workers.c.id == worker_id).values(heartbeat_at=NOW, gates=told)
    )
    return done.rowcount > 0


def alive(connection: sa.Connection, *, lease_s: float) -> Mapping[str, int]:
    """How many workers were heard of within the lease, by kind."""
    query = (
        sa.select(workers.c.kind, sa.func.count())
        .where(workers.c.heartbeat_at > NOW - seconds(lease_s))
        .group_by(workers.c.kind)
    )
    return {kind: count for kind, count in connection.execute(query)}


def gates(connection: sa.Connection, *, lease_s: float) -> Sequence[Gate]:
    """The doors of living workers, each as it was told, closures counted down since."""
    return ask(connection, gates_question(lease_s))


def gates_question(lease_s: float) -> Question[Sequence[Gate]]:
    """The doors of living workers, each as it was told, closures counted down since."""
    age_s = sa.cast(sa.func.extract("epoch", NOW - workers.c.heartbeat_at), sa.Float)
    query = sa.select(workers.c.gates, age_s).where(workers.c.heartbeat_at > NOW - seconds(lease_s))
    return Question(query, _doors)


def _doors(rows: Sequence[Any]) -> Sequence[Gate]:
    return [Gate(**told).after(float(seconds)) for gates, seconds in rows for told in gates]


def leave(connection: sa.Connection, worker_id: UUID) -> None:
    """Forget a worker that ends in order."""
    connection.execute(workers.delete().where(workers.c.id == worker_id))


def on_host(connection: sa.Connection, host: str) -> Mapping[UUID, int]:
    """Workers of a host that count as alive, with their process numbers."""
    query = sa.select(workers.c.id, workers.c.process)
    query = query.where(workers.c.host == host, workers.c.heartbeat_at > _LONG_AGO)
    return {row[0]: row[1] for row in connection.execute(query)}


def bury(connection: sa.Connection, worker_ids: Collection[UUID]) -> None:
    """Mark workers as dead: their last sign of life is now long ago."""
    connection.execute(
        workers.update().where(workers.c.id.in_(worker_ids)).values(heartbeat_at=_LONG_AGO)
    )


def renew_leases(connection: sa.Connection, *, silent_s: float) -> None:
    """Count workers as heard of now, but for those that had been silent for `silent_s`."""
    age = seconds(silent_s)
    connection.execute(
        workers.update().where(workers.c.heartbeat_at > NOW - age).values(heartbeat_at=NOW)
    )


def forget_silent(connection: sa.Connection, *, silent_s: float) -> int:
    """Forget workers not heard of for `silent_s`; returns how many."""
    old = workers.c.heartbeat_at < NOW - seconds(silent_s)
    return connection.execute(workers.delete().where(old)).rowcount


def try_sweep_lock(connection: sa.Connection) -> bool:
    """Whether this transaction may sweep; one at a time over the whole fleet."""
    query = sa.text("SELECT pg_try_advisory_xact_lock(:key)")
    return bool(connection.execute(query, {"key": _SWEEP_LOCK}).scalar())


def swept(connection: sa.Connection, name: str) -> None:
    """Write when a sweep ran."""
    statement = upsert(sweeps).values(name=name, ran_at=NOW)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"ran_at": NOW})
    )


def seconds_since_sweep(connection: sa.Connection, name: str) -> float | None:
    """Age of the last sweep; None before the first."""
    query = sa.select(sa.func.extract("epoch", NOW - sweeps.c.ran_at)).where(sweeps.c.name == name)
    found = connection.execute(query).scalar()
    return None if found is None else float(found)


def schema_revision(connection: sa.Connection) -> str | None:
    """The migration that the database stands at; None before the first."""
    exists = connection.execute(sa.text("SELECT to_regclass('alembic_version')")).scalar()
    if exists is None:
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
