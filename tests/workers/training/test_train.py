"""Whole runs on a tiny model: the same again, after kills, and what is refused."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.domain.handoff import Layout
from app.domain.training_ending import Ending
from tests.workers.training.handing import hand_over, rows
from tests.workers.training.stopping import train_until, train_until_there
from workers.training.failures import ending_of
from workers.training.train import main

ROOT = Path(__file__).resolve().parents[3]
SHORT: dict[str, Any] = {
    "max_steps": 8,
    "save_every": 2,
    "batch_size": 4,
    "micro_batch": 2,
    "rank": 4,
    "answer_tokens": 8,
}


def adapter_hash(folder: Path) -> str:
    return hashlib.sha256((folder / "adapter/adapter_model.safetensors").read_bytes()).hexdigest()


def trained(folder: Path, base: Path, **settings: Any) -> Path:
    hand_over(folder, base, rows(12, held_out=3), **{**SHORT, **settings})
    assert main([str(folder)]) == Ending.DONE, (folder / "error.json").read_text()
    return folder


def told(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


@pytest.fixture(scope="module")
def whole(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run."""
    return trained(tmp_path_factory.mktemp("whole") / "run", base, merge=True, evaluate_every=4)


def test_equal_seeds_give_equal_adapters_and_others_do_not(
    whole: Path, base: Path, tmp_path: Path
) -> None:
    again = trained(tmp_path / "again", base)
    assert adapter_hash(again) == adapter_hash(whole)
    other = trained(tmp_path / "other", base, seed=1)
    assert adapter_hash(other) != adapter_hash(whole)


def started(folder: Path) -> "subprocess.Popen[bytes]":
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "workers.training.train", str(folder)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )


def wait_for_step(folder: Path, step: int) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if (folder / "progress.jsonl").exists():
            lines = (folder / "progress.jsonl").read_text().split("\n")[:-1]
            if any(json.loads(line).get("step", 0) >= step for line in lines):
                return
        time.sleep(0.05)
    pytest.fail((folder / "log").read_text())


@pytest.mark.timeout(300)
def test_killed_and_resumed_is_as_never_killed(base: Path, tmp_path: Path) -> None:
    """The steps are many enough that the kill falls between two checkpoints."""
    settings = {"max_steps": 40, "save_every": 3, "evaluate_every": 1}
    straight = trained(tmp_path / "straight", base, **settings)
    folder = hand_over(tmp_path / "run", base, rows(12, held_out=3), **{**SHORT, **settings})
    process = started(folder)
    wait_for_step(folder, 8)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not (folder / "metrics.json").exists()
    assert list((folder / "checkpoints").glob("checkpoint-*"))
    assert main([str(folder)]) == Ending.DONE
    steps = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
    starts = [each["step"] for each in steps if each["phase"] == "train" and "loss" not in each]
    assert starts[0] == 0
    assert starts[1] >= 6, "it went on from a checkpoint"
    assert adapter_hash(folder) == adapter_hash(straight)


@pytest.mark.timeout(300)
def test_sigterm_saves_and_the_rest_is_made_up(base: Path, tmp_path: Path) -> None:
    settings = {"max_steps": 40, "save_every": 1000, "evaluate_every": 1}
    straight = trained(tmp_path / "straight", base, **settings)
    folder = hand_over(tmp_path / "run", base, rows(12, held_out=3), **{**SHORT, **settings})
    process = started(folder)
    wait_for_step(folder, 3)
    process.terminate()
    assert process.wait(60) == Ending.STOPPED, (folder / "log").read_text()
    saved = list((folder / "checkpoints").glob("checkpoint-*"))
    assert len(saved) == 1
    assert main([str(folder)]) == Ending.DONE
    assert adapter_hash(folder) == adapter_hash(straight)


def test_the_result(whole: Path, base: Path) -> None:
    adapter = whole / "adapter"
    names = {path.name for path in adapter.iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json"} <= names
    assert "chat_template.jinja" in names
    everything = [path for path in whole.rglob("*") if path.is_file()]
    assert not [path for path in everything if path.suffix in {".bin", ".pt", ".pth", ".pkl"}]
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in adapter.iterdir())
    public = [*adapter.iterdir(), whole / "README.md", whole / "report.json"]
    assert not [path for path in public if str(base).encode() in path.read_bytes()], "no paths"
    report = told(whole, "report.json")
    for name, digest in report["artifacts"].items():
        assert hashlib.sha256((whole / name).read_bytes()).hexdigest() == digest
    assert report["servable"] == {"transformers": True, "vllm": True, "merged": True}


def test_the_metrics(whole: Path) -> None:
    metrics = told(whole, "metrics.json")
    held = metrics["held_out"]
    assert held["after"] < held["before"]
    assert held["rows"] == 3
    assert metrics["steps"] == 8
    assert metrics["train_loss"]["last"] < metrics["train_loss"]["first"]
    assert metrics["tokens"] > 0
    lines = [json.loads(line) for line in (whole / "progress.jsonl").read_text().splitlines()]
    assert [each["phase"] for each in lines][-2:] == ["save", "done"]
    evaluated = [each for each in lines if each["phase"] == "eval"]
    assert [each["step"] for each in evaluated] == [4, 8]
    assert evaluated[-1]["held_out_loss"] == pytest.approx(held["after"], abs=1e-6)
    assert [each for each in lines if each["phase"] == "evaluate"], "it says that it goes on"
    planned = [each for each in lines if each["phase"] == "plan"]
    assert planned[0]["memory_bytes"] == told(whole, "plan.json")["memory_bytes"]


def test_the_evaluation(whole: Path) -> None:
    metrics = told(whole, "metrics.json")
    found = metrics["evaluation"]
    assert found["held_out"] == metrics["held_out"]
    change = found["held_out"]["change"]
    assert change["low"] <= change["mean"] <= change["high"] < 0
    assert change["mean"] == pytest.approx(found["held_out"]["after"] - found["held_out"]["before"])
    assert found["seeds"] is None
    assert found["neutral"]["rows"] > 10
    assert found["answers"]["n"] == 3
    assert found["answers"]["rouge_l"]["gain"]["n"] == 3
    assert set(found["answers"]["form"]["after"]) == {"empty", "unfinished", "echo", "repetitive"}
    assert found["overlap"]["rows"] == 3
    assert found["verdict"]["learnt"] is True
    assert len(found["samples"]) == 3
    for name in ("before", "after"):
        lines = (whole / f"predictions-{name}.jsonl").read_text().splitlines()
        rows_ = [json.loads(line) for line in lines]
        assert [each["id"] for each in rows_] == ["12", "13", "14"]
        assert rows_[0]["prompt"] == "name the the colours 12\n"
        assert rows_[0]["target"] == "red"
        assert found["samples"][0][name] == rows_[0]["response"]
    assert not list(whole.glob("learned.*")), "kept only until the result is there"


def test_seeds_of_people_are_measured_apart(base: Path, tmp_path: Path) -> None:
    given = rows(8, held_out=3)
    given[-1] |= {"split": "seeds", "id": "seed-1", "is_classification": True}
    folder = hand_over(tmp_path / "run", base, given, **SHORT)
    assert main([str(folder)]) == Ending.DONE, (folder / "error.json").read_text()
    metrics = told(folder, "metrics.json")
    found = metrics["evaluation"]
    assert (found["seeds"]["rows"], found["held_out"]["rows"]) == (1, 2)
    assert metrics["data"]["seed_rows"] == 1
    assert found["answers"]["exact_match"]["n"] == 1
    card = (folder / "README.md").read_text()
    assert "| loss a token, held-out seeds |" in card
    assert "exact match of 1 labels" in card


@pytest.mark.parametrize("file", ["plan.json", "learned.json"])
def test_a_stop_while_it_is_asked_costs_no_training(
    file: str, whole: Path, base: Path, tmp_path: Path
) -> None:
    """While the base is asked, and while the tuned model is."""
    folder = hand_over(tmp_path / "run", base, rows(12, held_out=3), **SHORT)
    train_until_there(folder, file)
    assert not (folder / "metrics.json").exists()
    assert main([str(folder)]) == Ending.DONE
    lines = (folder / "progress.jsonl").read_text().splitlines()
    assert sum('"loss"' in line for line in lines) == 8, "no step was made twice"
    assert adapter_hash(folder) == adapter_hash(whole)
    assert told(folder, "metrics.json")["steps"] == 8


def test_the_model_card(whole: Path) -> None:
    card = (whole / "README.md").read_text()
    assert card.startswith("# tiny-base, tuned with lora\n")
    for words in ("CC0-1.0", "arXiv:2106.09685", "garden", "| loss a token, held-out rows |"):
        assert words in card
    assert "SIMULATED" not in card


def test_it_serves_in_transformers_and_merged_alike(whole: Path, base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(whole / "adapter")
    ids = tokenizer("name the colours 1\n", return_tensors="pt")["input_ids"]
    loaded = AutoModelForCausalLM.from_pretrained(base)
    adapted = PeftModel.from_pretrained(loaded, str(whole / "adapter"))
    merged = AutoModelForCausalLM.from_pretrained(whole / "merged")
    with torch.no_grad():
        assert torch.allclose(adapted(ids).logits, merged(ids).logits, atol=1e-4)
    mask = torch.ones_like(ids)
    out = merged.generate(ids, attention_mask=mask, max_new_tokens=4, do_sample=False)
    assert out.shape[1] > ids.shape[1]


def test_eight_rows_are_learnt_by_heart(base: Path, tmp_path: Path) -> None:
    folder = hand_over(
        tmp_path / "run",
        base,
        rows(8),
        method="full",
        learning_rate=1e-2,
        max_steps=120,
        batch_size=8,
        micro_batch=8,
        schedule="constant",
        save_every=1000,
    )
    assert main([str(folder)]) == Ending.DONE
    assert told(folder, "metrics.json")["train_loss"]["last"] < 0.1
    assert (folder / "model" / "model.safetensors").exists()
    assert told(folder, "metrics.json")["held_out"] is None


@pytest.mark.parametrize("method", ["prefix_tuning", "intrinsic_prompt", "bitfit", "houlsby"])
def test_methods_of_other_kinds_go_through_and_resume(
    method: str, base: Path, tmp_path: Path
) -> None:
    """Stopped half-way by the ear that SIGTERM speaks to, and gone on with."""
    settings = {name: value for name, value in SHORT.items() if name != "rank"} | {"method": method}
    straight = hand_over(tmp_path / "straight", base, rows(8), **settings)
    assert main([str(straight)]) == Ending.DONE, (straight / "error.json").read_text()
    folder = hand_over(tmp_path / "run", base, rows(8), **settings)
    train_until(folder, 4)
    assert main([str(folder)]) == Ending.DONE
    assert adapter_hash(folder) == adapter_hash(straight)


def test_patience_ends_it_and_the_best_is_kept(base: Path, tmp_path: Path) -> None:
    """At a rate that is far too high the held-out loss soon only rises."""
    folder = hand_over(
        tmp_path / "run",
        base,
        rows(8, held_out=4),
        **{**SHORT, "max_steps": 60, "learning_rate": 0.1, "schedule": "constant"},
        evaluate_every=2,
        patience=2,
    )
    assert main([str(folder)]) == Ending.DONE
    metrics = told(folder, "metrics.json")
    assert metrics["stopped_early"]
    assert metrics["steps"] < 60
    assert metrics["best_step"] < metrics["steps"]
    lines = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
    best = min(each["held_out_loss"] for each in lines if "held_out_loss" in each)
    assert metrics["held_out"]["after"] == pytest.approx(best, abs=1e-6)


def test_a_dry_run_counts_and_trains_nothing(base: Path, tmp_path: Path) -> None:
    given = rows(10, held_out=2)
    given[0]["completion"] = "red " * 200
    folder = hand_over(tmp_path / "run", base, given, epochs=2, batch_size=1, max_length=120)
    assert main([str(folder), "--dry-run"]) == Ending.DONE
    plan = told(folder, "plan.json")
    assert plan["data"]["dropped"] == {"too_long": 1}
    assert plan["data"]["train_rows"] == 9
    assert plan["packing"]
    assert 1 <= plan["sequences"] < 9
    assert plan["steps"] == 2 * plan["sequences"]
    assert plan["memory_bytes"] > 4 * plan["parameters"]
    assert plan["seconds"] > 0
    assert not (folder / "adapter").exists()
    assert main([str(folder)]) == Ending.DONE
    assert told(folder, "metrics.json")["steps"] == plan["steps"]
    assert told(folder, "metrics.json")["trained_parameters"] == plan["trained_parameters"]


def refused(folder: Path) -> tuple[int, str]:
    return main([str(folder)]), told(folder, "error.json")["detail"]


def test_a_changed_data_file_is_refused(base: Path, tmp_path: Path) -> None:
    folder = hand_over(tmp_path / "run", base, rows(4))
    with (folder / "data.jsonl").open("a") as file:
        file.write("{}\n")
    status, detail = refused(folder)
    assert status == Ending.BAD_INPUT
    assert "changed or cut short" in detail


def test_an_unknown_schema_is_refused(base: Path, tmp_path: Path) -> None:
    folder = hand_over(tmp_path / "run", base, rows(4))
    members = json.loads((folder / "manifest.json").read_text()) | {"schema": 2}
    (folder / "manifest.json").write_text(json.dumps(members))
    status, detail = refused(folder)
    assert status == Ending.BAD_INPUT
    assert "schema 2 is not known; this trainer knows 1" in detail


def test_a_bad_row_is_named_by_its_line(base: Path, tmp_path: Path) -> None:
    given = rows(3)
    given[1]["completion"] = 5
    status, detail = refused(hand_over(tmp_path / "run", base, given))
    assert (status, detail) == (Ending.BAD_INPUT, "data.jsonl, line 2: completion must be text.")


def test_messages_train_too(base: Path, tmp_path: Path) -> None:
    given = [
        {
            "prompt": [{"role": "user", "content": each["prompt"]}],
            "completion": [{"role": "assistant", "content": each["completion"]}],
            "id": each["id"],
            "split": "train",
        }
        for each in rows(6)
    ]
    folder = hand_over(
        tmp_path / "run", base, given, layout=Layout.MESSAGES, simulated=True, **SHORT
    )
    assert main([str(folder)]) == Ending.DONE
    assert "TRAINED ON SIMULATED DATA" in (folder / "README.md").read_text()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize(
    "settings",
    [
        {"device": "cuda"},
        {"device": "auto", "method": "qlora"},
        {"device": "auto", "cpu_work": 1.0},
    ],
)
def test_without_a_gpu_it_says_so(base: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    status, detail = refused(hand_over(tmp_path / "run", base, rows(4), **settings))
    assert status == Ending.NO_DEVICE
    assert detail.startswith("There is no CUDA GPU here")


def test_a_loss_that_is_no_number_ends_it(base: Path, tmp_path: Path) -> None:
    folder = hand_over(
        tmp_path / "run",
        base,
        rows(8),
        method="full",
        learning_rate=10,
        max_grad_norm=1e9,
        max_steps=60,
        schedule="constant",
        warmup=0.0,
        batch_size=4,
    )
    poison(folder, base)
    status, detail = refused(folder)
    assert status == Ending.DIVERGED
    assert "lower learning_rate (now 10)" in detail
    assert not (folder / "model").exists()


def poison(folder: Path, base: Path) -> None:
    """A base one of whose weights is no number, so that the loss is none from the first step."""
    spoilt = folder / "spoilt"
    model = AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        model.lm_head.weight[5, 0] = float("nan")
    model.save_pretrained(spoilt)
    AutoTokenizer.from_pretrained(base).save_pretrained(spoilt)
    config = json.loads((folder / "config.json").read_text()) | {"base_model": str(spoilt)}
    (folder / "config.json").write_text(json.dumps(config))


def test_want_of_memory_has_its_own_status() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 60)
    assert ending_of(raised.value) is Ending.OUT_OF_MEMORY
    assert ending_of(torch.OutOfMemoryError("CUDA out of memory")) is Ending.OUT_OF_MEMORY
    assert ending_of(RuntimeError("something else")) is Ending.FAILED


def test_after_want_of_memory_half_goes_in_at_once(whole: Path, base: Path, tmp_path: Path) -> None:
    folder = hand_over(tmp_path / "run", base, rows(12, held_out=3), **SHORT)
    (folder / "retry.json").write_text("{}")
    assert main([str(folder)]) == Ending.DONE
    report = told(folder, "report.json")
    assert report["memory_retry"]
    assert report["plan"] == {"micro_batch": 1, "checkpointing": True}
    assert told(whole, "report.json")["plan"] == {"micro_batch": 2, "checkpointing": False}
    ours, theirs = (told(each, "metrics.json")["train_loss"]["last"] for each in (folder, whole))
    assert ours == pytest.approx(theirs, abs=1e-3), "a step sees the same sequences"
