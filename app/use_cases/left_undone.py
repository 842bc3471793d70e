"""What waits in Postgres for a worker, whether or not a message told of it."""

from collections.abc import Set
from uuid import UUID

from app.db import candidates, claimants, comparisons, exports, training_runs
from app.runtime import Runtime


def jobs_due(runtime: Runtime) -> Set[UUID]:
    """Jobs that go on and that nobody drives; raises Unavailable when Postgres is away."""
    with runtime.database.transaction() as connection:
        return set(claimants.undriven(connection, silent_s=runtime.settings.sweep_s))


def pools_due(runtime: Runtime) -> Set[UUID]:
    """Pools with candidates to be judged; raises Unavailable when Postgres is away."""
    with runtime.database.transaction() as connection:
        return set(candidates.pools_waiting(connection))


def exports_due(runtime: Runtime) -> Set[UUID]:
    """Exports to be made; raises Unavailable when Postgres is away."""
    with runtime.database.transaction() as connection:
        return set(exports.waiting(connection))


def runs_due(runtime: Runtime) -> Set[UUID]:
    """Training runs that nobody drives; raises Unavailable when Postgres is away."""
    with runtime.database.transaction() as connection:
        return set(training_runs.waiting(connection))


def comparisons_due(runtime: Runtime) -> Set[UUID]:
    """Comparisons that nobody drives; raises Unavailable when Postgres is away."""
    with runtime.database.transaction() as connection:
        return set(comparisons.waiting(connection))
