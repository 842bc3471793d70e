"""How jobs go over time: samples are taken while they run."""

from app.db import samples
from app.runtime import Runtime

SAMPLE_S = 2.0


def sample(runtime: Runtime) -> int:
    """Note how each running job stands, as often as its curves need; returns how many."""
    with runtime.database.transaction() as connection:
        return samples.take(connection, least_s=SAMPLE_S)
