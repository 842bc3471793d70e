"""Bring a database to the newest revision, or to another one."""

import os
import subprocess
import sys
from pathlib import Path

from app.embedded.errors import EmbeddedError

ROOT = Path(__file__).resolve().parents[2]


def migrate(database_url: str, revision: str = "head") -> None:
    """Run `alembic upgrade` on a database, as a process of its own.

    A process, because Alembic's environment reads the settings and the logging configuration of
    whoever runs it. Raises EmbeddedError with what Alembic wrote last.
    """
    run = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", revision],
        cwd=ROOT,
        env={**os.environ, "CULTIVAR_DATABASE_URL": database_url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        last = "\n".join(run.stderr.strip().splitlines()[-12:])
        raise EmbeddedError(f"the database cannot be migrated:\n{last}")
