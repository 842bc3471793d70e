"""`cultivar training --worth` and `cultivar comparisons` against the same use cases."""

import json
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from app.runtime import Runtime
from app.use_cases import exports
from app.use_cases.comparison_runner import make
from app.use_cases.training_runner import train
from tests.api.stored_job import stored_job, stored_teacher
from tests.api.test_comparisons import ANSWERS
from tests.cli.running import CommandLine
from tests.llm.scripted_teacher import answers, completion, scripted_teacher
from tests.stand_in_trainer import stand_in
from tests.use_cases.test_worth import TRAINER


def test_a_curve_and_a_comparison(
    cultivar: CommandLine, runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CULTIVAR_BASE_MODELS", str(tmp_path / "rose"))
    python = stand_in(tmp_path, ANSWERS + TRAINER)
    settings = {"train_python": python, "base_models": str(tmp_path / "rose")}
    able = replace(runtime, settings=runtime.settings.model_copy(update=settings))
    job = stored_job(runtime, row_count=10, target_rows=10).job
    export_id = exports.request(runtime, job.id, "alpaca_jsonl").id
    exports.make(runtime, export_id)
    words = ["training", "submit", str(export_id), "--base", "rose", "--held-out", "0.3", "--json"]
    curve = cultivar(*words, "--worth", "--shares", "0.5,1", "--repeats", "1").json()
    train(able, UUID(curve["id"]))
    found = json.loads(cultivar("training", "worth", curve["id"]).text)
    assert found["runs"] == {"done": 2, "of": 2}
    assert "training 2/2" in cultivar("training", "list").text
    run = cultivar(*words).json()
    train(able, UUID(run["id"]))
    with scripted_teacher(answers(completion("Better: A"))) as teacher:
        stored_teacher(runtime, name="judge", base_url=teacher.base_url)
        asked = cultivar("comparisons", "submit", run["id"], "--teacher", "judge", "--json").json()
        assert cultivar("comparisons", "stop", asked["id"], "--json").json()["state"] == "stopped"
        cultivar("comparisons", "resume", asked["id"])
        make(able, UUID(asked["id"]))
    shown = cultivar("comparisons", "show", asked["id"]).text
    assert "win_rate" in shown
    assert "0.500" in cultivar("comparisons", "list", "--run", run["id"]).text
    cultivar("comparisons", "delete", asked["id"])
    assert cultivar("comparisons", "show", asked["id"]).status == 1
