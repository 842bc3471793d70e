"""`cultivar generate`: one command from seeds to a file, which can be stopped and gone on with."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.embedded.migrate import ROOT
from app.embedded.service import EmbeddedService
from tests.cli.running import CommandLine
from tests.embedded.remains import remains

SEEDS = ROOT / "seeds" / "general_en.jsonl"


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home of its own and no word of any other service or teacher."""
    for name in list(os.environ):
        if name.startswith(("CULTIVAR_", "OPENAI_")) and "TEST" not in name:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    monkeypatch.setenv("CULTIVAR_HOME", str(home))
    return home


@contextmanager
def started(*words: object) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, ended with the block whatever happens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli.main", "generate", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a dataset file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
def test_from_seeds_to_a_file_stopped_on_the_way(alone: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    words = ["--seeds", SEEDS, "--rows", 300, "--option", "threshold=0.65"]
    with started(*words, "--out", out, "--demo") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("running"):
                break
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, output + errors
    assert not out.exists()
    assert remains(alone) == []
    job = re.search(r"--resume (\S+)", errors)
    assert job, errors
    going_on = ["--resume", job[1], "--out", out, "--demo", "--format", "chat_messages"]
    with started(*going_on) as again:
        output, errors = again.communicate(timeout=110)
    assert (again.returncode, output) == (0, ""), errors
    rows = rows_of(out)
    assert len(rows) == 300
    assert all(list(row) == ["messages"] for row in rows)
    manifest = json.loads((tmp_path / "rows.jsonl.manifest.json").read_text())
    assert manifest["simulated"] is True
    assert manifest["job"]["options"]["threshold"] == 0.65
    assert remains(alone) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--rows", "5"], "--seeds"),
        (["--seeds", SEEDS], "--rows"),
        (["--seeds", SEEDS, "--rows", "5"], "No teacher is named"),
        (["--seeds", SEEDS, "--rows", "5", "--base-url", "http://127.0.0.1:9/v1"], "--input-price"),
        (["--seeds", SEEDS, "--rows", "5", "--demo", "--profile", "papre"], "did you mean paper?"),
        (["--seeds", SEEDS, "--rows", "5", "--demo", "--format", "parchment"], "--format"),
        (["--seeds", SEEDS, "--rows", "5", "--demo", "--out", "/none/x.jsonl"], "no directory"),
        (["--seeds", "/none.jsonl", "--rows", "5", "--demo"], "--seeds"),
        (["--seeds", ROOT / "README.md", "--rows", "5", "--demo"], "line 1"),
    ],
)
def test_what_is_wrong_is_found_before_anything_is_started(
    cultivar: CommandLine, alone: Path, tmp_path: Path, words: list[object], told: str
) -> None:
    ran = cultivar("generate", "--out", tmp_path / "rows.jsonl", *words)
    assert ran.status == 2
    assert told in ran.errors
    assert not alone.exists()


@pytest.mark.slow
def test_a_demo_teacher_beside_a_service_that_runs(alone: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    with EmbeddedService(alone):
        with started("--seeds", SEEDS, "--rows", 10, "--out", out, "--demo") as process:
            output, errors = process.communicate(timeout=100)
        assert (process.returncode, output) == (0, ""), errors
        assert "beside the service" in errors
    assert len(rows_of(out)) == 10
    assert remains(alone) == []
