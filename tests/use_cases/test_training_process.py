"""The trainer as a process: what it is told, how its ending is read, and that it does end."""

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.domain.training_ending import Ending
from app.errors import InvalidInput
from app.use_cases.training_process import Ended, Limits, find_python, run_training
from tests.stand_in_trainer import UNTIL_STOPPED, stand_in


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "run"
    made.mkdir()
    return made


def test_progress_is_heard_and_a_good_end_is_done(tmp_path: Path, folder: Path) -> None:
    heard: list[Mapping[str, Any]] = []
    python = stand_in(tmp_path, "tell(phase='load'); tell(phase='train', step=1)")
    assert run_training(folder, python, hear=heard.append) == Ended(Ending.DONE)
    assert heard == [{"phase": "load"}, {"phase": "train", "step": 1}]


def test_it_gets_no_secrets(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CULTIVAR_DATABASE_URL", "CULTIVAR_REDIS_URL", "CULTIVAR_MASTER_KEY"):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    heard: list[Mapping[str, Any]] = []
    run_training(folder, stand_in(tmp_path, "tell(**os.environ)"), hear=heard.append)
    assert "canary" not in json.dumps(heard)
    assert heard[0]["HF_HUB_OFFLINE"] == "1"
    assert heard[0]["CULTIVAR_TRAIN_PARENT"] == str(os.getpid())


def test_a_bad_end_has_its_words(tmp_path: Path, folder: Path) -> None:
    python = stand_in(tmp_path, "error('line 2 is bad'); sys.exit(10)")
    assert run_training(folder, python) == Ended(Ending.BAD_INPUT, "line 2 is bad")
    python = stand_in(tmp_path, "sys.exit(77)")
    ended = run_training(folder, python)
    assert ended.ending is Ending.FAILED
    assert "status 77" in ended.detail


def test_out_of_memory_is_tried_once_more(tmp_path: Path, folder: Path) -> None:
    body = (
        "again = os.path.exists(os.path.join(folder, 'retry.json'))\n"
        "tell(again=again)\nerror('memory')\nsys.exit({})"
    )
    heard: list[Mapping[str, Any]] = []
    python = stand_in(tmp_path, body.format("0 if again else 12"))
    assert run_training(folder, python, hear=heard.append).ending is Ending.DONE
    assert heard == [{"again": False}, {"again": True}]
    python = stand_in(tmp_path, body.format(12))
    assert run_training(folder, python) == Ended(Ending.OUT_OF_MEMORY, "memory")


def test_asked_to_stop_it_saves(tmp_path: Path, folder: Path) -> None:
    stop = threading.Event()
    python = stand_in(tmp_path, UNTIL_STOPPED)
    ended = run_training(folder, python, hear=lambda _: stop.set(), stop=stop)
    assert ended.ending is Ending.STOPPED


def test_asked_before_it_can_listen_it_is_stopped_as_well(tmp_path: Path, folder: Path) -> None:
    stop = threading.Event()
    stop.set()
    assert run_training(folder, stand_in(tmp_path, "time.sleep(60)"), stop=stop).ending == 3


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(silence_s=0.5), "said nothing"),
        (Limits(wall_s=0.3, saving_s=0.3), "did not save and end"),
    ],
)
def test_one_that_hangs_is_killed(tmp_path: Path, folder: Path, limits: Limits, said: str) -> None:
    body = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntell(pid=os.getpid())\ntime.sleep(60)"
    heard: list[Mapping[str, Any]] = []
    began = time.monotonic()
    ended = run_training(folder, stand_in(tmp_path, body), hear=heard.append, limits=limits)
    assert ended.ending is Ending.FAILED
    assert said in ended.detail
    assert time.monotonic() - began < 20
    with pytest.raises(ProcessLookupError):
        os.kill(heard[0]["pid"], 0)


def test_its_own_settings_limit_it(tmp_path: Path, folder: Path) -> None:
    (folder / "config.json").write_text('{"max_hours": 0.0001}')
    ended = run_training(folder, stand_in(tmp_path, UNTIL_STOPPED))
    assert (ended.ending, ended.overdue) == (Ending.STOPPED, True)
    assert "after 0.0001 hours" in ended.detail


def test_a_kill_from_outside_is_told(tmp_path: Path, folder: Path) -> None:
    ended = run_training(folder, stand_in(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)"))
    assert ended.ending is Ending.FAILED
    assert "want of memory" in ended.detail


def test_a_python_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nothing is there"):
        find_python(tmp_path / "python")
    assert find_python(Path(sys.executable)) == Path(sys.executable)
