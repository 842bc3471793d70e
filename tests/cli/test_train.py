"""`cultivar train`: from the demo's rows to an adapter, and what is refused before it begins."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.embedded.migrate import ROOT
from tests.cli.running import CommandLine
from tests.real_trainer import make_tiny_base, needs_trainer

SEEDS = ROOT / "seeds" / "general_en.jsonl"
SHORT = [f"--option={each}" for each in ("max_steps=4", "rank=4", "threads=1", "max_length=1024")]
SHORT.append("--option=answer_tokens=8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file of six rows."""
    path = tmp_path / "rows.jsonl"
    rows = [{"instruction": f"Name {n} birds.", "output": "wren " * (n + 1)} for n in range(6)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base model with random weights."""
    return make_tiny_base(tmp_path_factory.mktemp("base") / "tiny-base")


@pytest.mark.train
@pytest.mark.slow
@pytest.mark.timeout(300)
@needs_trainer
def test_the_demos_rows_become_an_adapter(
    cultivar: CommandLine, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith(("CULTIVAR_", "OPENAI_")) and "TEST" not in name:
            monkeypatch.delenv(name)
    monkeypatch.setenv("CULTIVAR_HOME", str(tmp_path / "home"))
    rows, out = tmp_path / "demo.jsonl", tmp_path / "run"
    grown = [sys.executable, "-m", "app.cli.main", "generate", "--demo", "--rows", "12"]
    grown += ["--format", "chat_messages", "--seeds", str(SEEDS), "--out", str(rows)]
    subprocess.run(grown, cwd=ROOT, check=True, capture_output=True, timeout=100)
    words = ["--data", rows, "--base", base, "--out", out, "--method", "lora", "--held-out", "0.3"]
    words += ["--held-out-seeds", SEEDS]
    ran = cultivar("train", *words, *SHORT)
    metrics = ran.json()
    assert metrics == json.loads((out / "metrics.json").read_text())
    assert metrics["steps"] == 4
    assert metrics["data"]["train_rows"] + metrics["data"]["held_out_rows"] == 12
    assert metrics["held_out"]["after"] < metrics["held_out"]["before"]
    assert "step 4/4" in ran.errors
    assert metrics["evaluation"]["seeds"]["rows"] > 100
    assert metrics["evaluation"]["answers"]["exact_match"] is not None
    assert "loss a token, held-out seeds" in ran.errors
    assert "ROUGE-L of 8 answers" in ran.errors
    assert (out / "adapter" / "adapter_model.safetensors").exists()
    card = (out / "README.md").read_text()
    assert "TRAINED ON SIMULATED DATA" in card
    assert "| Licence | seeds: unknown; terms of the teacher: made up by" in card, "none was named"
    assert "export.job.method" in card
    assert "-----" not in (out / "trainer.log").read_text(), "no traceback"


@pytest.mark.train
@pytest.mark.slow
@pytest.mark.timeout(300)
@needs_trainer
def test_counted_first_stopped_and_gone_on_with(
    cultivar: CommandLine, base: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    words = ["--data", data, "--base", base, "--out", out, "--option", "max_steps=200"]
    words += ["--option", "batch_size=2", "--option", "packing=no", "--option", "threads=1"]
    plan = cultivar("train", *words, "--dry-run").json()
    assert plan["steps"] == 200
    assert plan["data"]["train_rows"] == plan["sequences"]
    assert not (out / "adapter").exists()
    going_on = [sys.executable, "-m", "app.cli.main", "train", "--resume", "--out", str(out)]
    with subprocess.Popen(going_on, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("step 5/"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == 1, rest
    assert f"saved; go on with: cultivar train --resume --out {out}" in rest
    saved = [int(each.name[11:]) for each in (out / "checkpoints").glob("checkpoint-*")]
    assert 5 <= max(saved) < 200


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--option", "rank=0"], "rank: must be from 1 to 1024"),
        (["--option", "rnak=8"], "did you mean rank?"),
        (["--method", "prefix_tuning", "--option", "packing=yes"], "packing: prefix_tuning cannot"),
        (["--method", "ia3", "--option", "rank=8"], "rank: ia3 has no rank"),
        (["--method", "lorra"], "lorra"),
    ],
)
def test_wrong_settings_are_found_first(
    cultivar: CommandLine, data: Path, tmp_path: Path, words: list[str], told: str
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text("{}")
    out = tmp_path / "run"
    ran = cultivar("train", "--data", data, "--base", base, "--out", out, *words)
    assert ran.status == 2
    assert told in ran.errors
    assert not out.exists()


def test_wrong_places_are_found_first(cultivar: CommandLine, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    ran = cultivar("train", "--data", data, "--base", tmp_path, "--out", out)
    assert (ran.status, out.exists()) == (2, False)
    assert "there is no config.json in it" in ran.errors
    ran = cultivar("train", "--out", out, "--resume")
    assert ran.status == 2
    assert "holds no run to go on with" in ran.errors
