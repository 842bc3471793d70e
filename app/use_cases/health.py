"""Whether the service can do its work: the database answers, its schema is ours, a sweep runs."""

import re
from collections.abc import Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.db import workers
from app.errors import CultivarError
from app.runtime import Runtime
from app.use_cases.sweep import SWEEP

MAX_SWEEP_AGE_S = 60.0
_SWEEP = "Every worker sweeps: start one, or `python -m workers.sweep`, and look into its log."
_VERSIONS = Path(__file__).resolve().parents[2] / "migrations" / "versions"
_REVISION = re.compile(r"^(down_)?revision(?:: [^=]+)? = \"(\w+)\"", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Readiness:
    """What holds, and the revision of the database.

    `sweep_age_s` is None before the first sweep and while Postgres is away.
    """

    database: bool
    schema_known: bool
    sweep_age_s: float | None
    revision: str | None = None

    @property
    def swept(self) -> bool:
        return self.sweep_age_s is not None and self.sweep_age_s <= MAX_SWEEP_AGE_S

    @property
    def ready(self) -> bool:
        return self.database and self.schema_known and self.swept

    @property
    def problem(self) -> str | None:
        """What is wrong and how to mend it: the first check that fails, as the others need it."""
        if not self.database:
            return (
                "Postgres does not answer. Look whether it runs and whether CULTIVAR_DATABASE_URL "
                "leads to it; nothing is lost, and work goes on by itself once it is back."
            )
        if not self.schema_known:
            return (
                f"The database stands at revision {self.revision or 'none'}, this program is made "
                f"for {newest_revision()}. Run `python -m alembic upgrade head` with the newer of "
                "the two programs, or start the program that fits."
            )
        if self.sweep_age_s is None:
            return f"No sweep has run yet. {_SWEEP}"
        if not self.swept:
            return f"The last sweep ran {self.sweep_age_s:,.0f} s ago. {_SWEEP}"
        return None


def readiness(runtime: Runtime) -> Readiness:
    """How things stand now; never raises because Postgres is away."""
    try:
        with runtime.database.transaction() as connection:
            revision = workers.schema_revision(connection)
            known = revision is not None and revision == newest_revision()
            age_s = workers.seconds_since_sweep(connection, SWEEP) if known else None
    except CultivarError:
        return Readiness(database=False, schema_known=False, sweep_age_s=None)
    return Readiness(database=True, schema_known=known, sweep_age_s=age_s, revision=revision)


def strange_revision(runtime: Runtime) -> str | None:
    """The revision of the database where this program does not know it; None while all is well.

    A later program has migrated it. Postgres may be away: then nothing is known to be wrong.
    """
    try:
        with runtime.database.transaction() as connection:
            revision = workers.schema_revision(connection)
    except CultivarError:
        return None
    return None if revision in known_revisions() else revision


@cache
def newest_revision() -> str:
    """The revision of the newest migration: the one that no other names as the one before it."""
    own, before = _revisions()
    (newest,) = own - before
    return newest


def known_revisions() -> Set[str]:
    """Every revision that this program can bring a database to."""
    return _revisions()[0]


def _revisions() -> tuple[Set[str], Set[str]]:
    """The revisions of all migrations, and those that they name as the ones before them."""
    own: set[str] = set()
    before: set[str] = set()
    for path in _VERSIONS.glob("*.py"):
        for is_down, revision in _REVISION.findall(path.read_text(encoding="utf-8")):
            (before if is_down else own).add(revision)
    return own, before
