"""Who opens teachers' keys needs the master key from the start; who does not never touches it."""

from pathlib import Path

import pytest

from app.wakeups import ADMIT, EXPORT, GENERATE, TRAIN
from workers.process import CONFIGURATION, Process

NOBODY_LISTENS = "postgresql+psycopg://nobody@127.0.0.1:1/none"


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Process:
    """A worker that has asked nothing of anybody yet."""
    monkeypatch.setenv("CULTIVAR_DATABASE_URL", NOBODY_LISTENS)
    monkeypatch.setenv("CULTIVAR_HOME", str(tmp_path))
    monkeypatch.delenv("CULTIVAR_MASTER_KEY", raising=False)
    return Process()


@pytest.mark.parametrize("queue", [TRAIN, EXPORT])
def test_trainers_do_without(process: Process, queue: str) -> None:
    process.require_master_key([queue])
    assert not (process.runtime.settings.home / "master.key").exists()


@pytest.mark.parametrize("queue", [GENERATE, ADMIT])
def test_a_key_that_others_can_read_ends_the_others(
    process: Process, queue: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    process.require_master_key([queue])
    (tmp_path / "master.key").chmod(0o644)
    with pytest.raises(SystemExit) as ended:
        process.require_master_key([queue])
    assert ended.value.code == CONFIGURATION
    told = capfd.readouterr()
    assert "chmod 600" in told.out + told.err
