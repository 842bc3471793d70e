"""A worker that is older than the database ends at once, and says that it cannot help."""

import os
import subprocess
import sys

import psycopg
import pytest

from app.embedded.migrate import ROOT
from app.embedded.programs import worker
from app.wakeups import EXPORT
from tests.servers import plain
from workers.process import CONFIGURATION

SWEEP = (sys.executable, "-m", "workers.sweep")
CELERY = worker("export", [EXPORT]).arguments


@pytest.mark.slow
@pytest.mark.parametrize("command", [SWEEP, CELERY], ids=["sweep", "celery"])
def test_ends_where_a_later_program_has_migrated(
    database_url: str, redis_url: str, command: tuple[str, ...]
) -> None:
    with psycopg.connect(plain(database_url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    own = {"CULTIVAR_DATABASE_URL": database_url, "CULTIVAR_REDIS_URL": redis_url}
    run = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == CONFIGURATION, run.stderr[-2000:]
    assert "schema_unknown" in run.stderr
    assert "9999" in run.stderr
