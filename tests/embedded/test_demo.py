"""The demonstration as people run it: to the end, interrupted, and with a key but no price."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.embedded.demo import main
from app.embedded.directory import running_instance
from app.embedded.migrate import ROOT
from tests.embedded.remains import remains

VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL")


@contextmanager
def demo(
    *words: str, variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """The demonstration, ended with the block whatever happens."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in VARIABLES and not name.startswith("CULTIVAR_")
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "app.embedded.demo", *words],
        cwd=ROOT,
        env={**kept, **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
def test_it_grows_rows_and_exports_them_and_can_be_interrupted(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with demo("--home", str(home), "--rows", "12") as process:
        output, errors = process.communicate(timeout=110)
    assert process.returncode == 0, errors
    named = re.search(r"^file +(.+)$", output, re.MULTILINE)
    assert named
    rows = [json.loads(line) for line in Path(named[1]).read_text().splitlines()]
    assert len(rows) == 12
    assert all(set(row) == {"instruction", "input", "output"} for row in rows)
    for told in ("the demo teacher", "dashboard  http://", "12 of 12 rows", "simulated"):
        assert told in output, output
    assert float(re.findall(r"cost +\$([0-9.]+)", output)[0]) > 0
    assert remains(home) == []
    interrupted_again(home)


def interrupted_again(home: Path) -> None:
    """A second run in the same place, which Ctrl-C ends."""
    with demo("--home", str(home), "--rows", "100000") as process:
        deadline = time.monotonic() + 90
        while running_instance(home) is None:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "nothing is left running" in output
    assert "Traceback" not in errors
    assert remains(home) == []


def test_prices_are_not_guessed(tmp_path: Path) -> None:
    with demo("--home", str(tmp_path), variables={"OPENAI_API_KEY": "sk-none"}) as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (2, "")
    assert "CULTIVAR_INPUT_USD_PER_MILLION" in errors
    assert "CULTIVAR_OUTPUT_USD_PER_MILLION" in errors


@pytest.mark.parametrize("words", [["--rows", "0"], ["--rows", "many"], ["--nonsense"]])
def test_wrong_usage(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(["--home", str(tmp_path), *words])
    assert ending.value.code == 2
