"""The migrations on a real Postgres: up from nothing, down and up again, and what they leave."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from app.db import (
    access_tables,
    call_tables,
    comparison_tables,
    evaluation_tables,
    material_tables,
    review_tables,
)
from app.db import tables as dataset_tables
from app.embedded.errors import EmbeddedError
from app.embedded.migrate import ROOT, migrate
from app.use_cases.health import newest_revision
from tests.filled_tables import digests, fill, reflected
from tests.servers import plain

# One for all tables; each module of tables must be here for it to be whole.
_TABLES = (
    access_tables,
    call_tables,
    comparison_tables,
    dataset_tables,
    evaluation_tables,
    material_tables,
    review_tables,
)
(metadata,) = {each.metadata for each in _TABLES}
VERSIONS = sorted((ROOT / "migrations" / "versions").glob("*.py"))
A_SEED_SET = """
    INSERT INTO seed_sets (id, name, language, licence, source, tokens, sha256)
    VALUES (gen_random_uuid(), 'a', 'en', 'CC0-1.0', 'test', 'rouge', 'abc')
"""


def alembic(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Alembic's own command line on a database."""
    command = [sys.executable, "-m", "alembic", "-x", f"url={url}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A plain connection, without a transaction around it."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        yield connection


def tables(url: str) -> set[str]:
    """The tables of a database."""
    with connected(url) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {str(name) for (name,) in found}


def difference(url: str) -> list[object]:
    """What Alembic would still have to do to make the database what the code says."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def test_an_empty_database_becomes_what_the_code_says(empty_database_url: str) -> None:
    assert tables(empty_database_url) == set()
    migrate(empty_database_url)
    assert tables(empty_database_url) == {*metadata.tables, "alembic_version"}
    assert difference(empty_database_url) == []
    with connected(empty_database_url) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    assert revision == (newest_revision(),)


def test_a_difference_would_be_seen(database_url: str) -> None:
    assert difference(database_url) == []
    with connected(database_url) as connection:
        connection.execute("ALTER TABLE jobs DROP COLUMN detail")
        connection.execute("CREATE TABLE stray (id int)")
    kinds = {change[0] for change in difference(database_url) if isinstance(change, tuple)}
    assert kinds == {"add_column", "remove_table"}


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    with connected(database_url) as connection:
        connection.execute(A_SEED_SET)
    migrate(database_url)
    with connected(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM seed_sets").fetchone() == (1,)


REVISIONS = [path.stem.split("_")[0] for path in VERSIONS]


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_step_goes_down_and_up_again_with_data(empty_database_url: str, revision: str) -> None:
    assert alembic(empty_database_url, "upgrade", revision).returncode == 0
    with connected(empty_database_url) as connection:
        connection.execute(A_SEED_SET)
    down = alembic(empty_database_url, "downgrade", "-1")
    assert down.returncode == 0, down.stderr
    migrate(empty_database_url)
    assert difference(empty_database_url) == []


@pytest.mark.parametrize("revision", REVISIONS[-1:])
def test_the_newest_step_goes_up_down_and_up_again_with_data_in_every_table(
    empty_database_url: str, revision: str
) -> None:
    """What the step before knows is kept by the step; its own data is gone only on the way down."""
    url, before = empty_database_url, REVISIONS[: REVISIONS.index(revision)]
    if before:
        assert alembic(url, "upgrade", before[-1]).returncode == 0
        engine, known = reflected(url)
        fill(engine, known)
        kept = digests(engine, known)
        up = alembic(url, "upgrade", revision)
        assert up.returncode == 0, up.stderr
        assert digests(engine, known) == kept
    else:
        assert alembic(url, "upgrade", revision).returncode == 0
    fill(*reflected(url))
    down = alembic(url, "downgrade", "-1")
    assert down.returncode == 0, down.stderr
    migrate(url)
    assert difference(url) == []


def test_the_program_of_the_release_before_works_on_the_newest_schema(
    empty_database_url: str,
) -> None:
    """A release adds and does not take away: what wrote and read before still does."""
    assert alembic(empty_database_url, "upgrade", REVISIONS[-2]).returncode == 0
    engine, known = reflected(empty_database_url)
    migrate(empty_database_url)
    fill(engine, known)
    assert set(digests(engine, known)) == set(known.tables)


def test_down_to_nothing_leaves_nothing(database_url: str) -> None:
    with connected(database_url) as connection:
        connection.execute(A_SEED_SET)
    assert alembic(database_url, "downgrade", "base").returncode == 0
    assert tables(database_url) == {"alembic_version"}
    with connected(database_url) as connection:
        types = connection.execute(
            "SELECT typname FROM pg_type JOIN pg_namespace n ON n.oid = typnamespace "
            "WHERE n.nspname = 'public' AND typname NOT LIKE '%alembic_version'"
        ).fetchall()
    assert types == []


def test_a_migration_waits_briefly_for_a_busy_table(database_url: str) -> None:
    """Behind a long transaction it gives up soon, lest all who come after it wait as well."""
    with connected(database_url) as connection, connection.transaction():
        connection.execute("LOCK TABLE rows IN ACCESS SHARE MODE")
        stopped = alembic(database_url, "downgrade", "base")
    assert stopped.returncode != 0
    assert "lock timeout" in stopped.stderr
    assert tables(database_url) == {*metadata.tables, "alembic_version"}, "all or nothing"


def test_a_migration_that_fails_changes_nothing(empty_database_url: str) -> None:
    with connected(empty_database_url) as connection:
        connection.execute("CREATE TABLE jobs (id int)")
    with pytest.raises(EmbeddedError, match="cannot be migrated"):
        migrate(empty_database_url)
    assert tables(empty_database_url) == {"jobs"}


def test_revisions_form_one_line() -> None:
    """Numbered files, each naming the one before it: two heads cannot come about unseen."""
    before: str | None = None
    for path in VERSIONS:
        text = path.read_text(encoding="utf-8")
        revision = re.findall(r'^revision = "(\w+)"', text, re.MULTILINE)
        down = re.findall(r'^down_revision = (?:"(\w+)"|None)', text, re.MULTILINE)
        assert revision == [path.name.split("_")[0]]
        assert down == [before or ""]
        before = revision[0]
    assert before == newest_revision()


def test_the_pattern_of_new_migrations() -> None:
    """A new file opens with a sentence and has both directions."""
    pattern = (ROOT / "migrations" / "script.py.mako").read_text(encoding="utf-8")
    assert pattern.startswith('"""${message}."""')
    assert "def upgrade() -> None:" in pattern
    assert "def downgrade() -> None:" in pattern
