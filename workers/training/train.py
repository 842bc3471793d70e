"""Trains one run: `python -m workers.training.train RUN_DIR [--dry-run]`.

Reads `config.json`, `manifest.json` and `data.jsonl`; writes `progress.jsonl` as it goes, and at
the end `adapter/` (or `model/`), `metrics.json`, `report.json` and `README.md`. Needs no network,
no database and no key. Killed at any moment, it goes on from its last whole checkpoint when it is
started again. Exit statuses are those of `app.domain.training_ending`.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import datasets
from transformers import set_seed

from app.domain.training_ending import Ending
from app.domain.tuning import Tuning, servable
from workers.training import base_model, checkpoints, learned, results, trainer
from workers.training.evaluate import Evaluations
from workers.training.exam import Exam, Findings
from workers.training.failures import BadRun, Diverged, Interrupted, ending_of, told
from workers.training.model_card import model_card
from workers.training.parent import end_with_parent
from workers.training.progress import Hearing, Progress, StopRequest, Teller
from workers.training.ready import RETRY, Ready, exam_of, prepare
from workers.training.run_folder import Run, open_run, read_json, write_json
from workers.training.tuning import TUNERS
from workers.training.tuning.tuned import Tuned

BASELINE = "baseline.json"


def main(given: list[str]) -> int:
    """Train, and return how it ended; whatever goes wrong is told in error.json."""
    parser = argparse.ArgumentParser(prog="train", description="Train the run in a folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dry-run", action="store_true", help="write plan.json and end")
    arguments = parser.parse_args(given)
    end_with_parent()
    stop = StopRequest()
    stop.listen()
    try:
        return train(arguments.folder, stop, dry_run=arguments.dry_run)
    except Exception as error:  # noqa: BLE001 - the edge of the process: told, and a status for it
        write_json(arguments.folder / "error.json", told(error))
        return ending_of(error)


def train(folder: Path, stop: StopRequest, *, dry_run: bool = False) -> Ending:
    """Check and count; then, unless that is all, load the base, ask it, and let it learn."""
    datasets.disable_progress_bars()
    progress = Progress(folder)
    progress.tell("prepare")
    run = open_run(folder)
    ready = prepare(run)
    plan = ready.plan.as_json(run.config, ready.rows, ready.shape, ready.place)
    write_json(folder / "plan.json", plan)
    progress.tell("plan", seconds=plan["seconds"], memory_bytes=plan["memory_bytes"])
    if dry_run:
        return Ending.DONE
    progress.tell("load")
    model = base_model.load_model(Path(run.config.base_model), run.config, ready.place)
    exam, hear = exam_of(run, ready), Hearing(progress, stop)
    try:
        before = baseline(run, model, ready, exam, hear)
        set_seed(run.config.seed)  # adapters are drawn at random
        tuned = TUNERS[run.config.method](model, run.config)
        facts = learned.kept(folder, tuned, ready.mark) or learn(run, ready, tuned, stop, progress)
        if facts is None:
            return Ending.STOPPED
        after = exam.take(tuned.model, hear)
    except Interrupted:
        return Ending.STOPPED
    progress.tell("save")
    finish(run, ready, tuned, metrics_of(run, ready, exam, (before, after), facts))
    progress.tell("done", step=facts["steps"], max_steps=facts["max_steps"])
    return Ending.DONE


def learn(
    run: Run, ready: Ready, tuned: Tuned, stop: StopRequest, progress: Progress
) -> dict[str, Any] | None:
    """Train from the beginning or the last checkpoint; what came of it, None when stopped."""
    if stop.asked:
        return None
    teller = Teller(progress, stop)
    evaluations = evaluations_of(run, tuned, ready, progress)
    made = trainer.make(
        tuned.model,
        ready.tokenizer,
        ready.dataset,
        trainer.arguments(run.config, ready.place, run.checkpoints, ready.plan),
        mark=ready.mark,
        callbacks=[*([evaluations] if evaluations else []), teller],
    )
    began = time.monotonic()
    found = checkpoints.newest(run.checkpoints, ready.mark)
    made.train(resume_from_checkpoint=str(found) if found else None)
    if teller.diverged:
        raise Diverged(
            f"The loss was no number at step {made.state.global_step}: lower learning_rate "
            f"(now {run.config.rate:g}) or max_grad_norm."
        )
    early = evaluations is not None and evaluations.stopped_early
    if made.state.global_step < made.state.max_steps and not early:
        progress.tell("stopped", step=made.state.global_step, max_steps=made.state.max_steps)
        return None
    facts = {
        "steps": made.state.global_step,
        "max_steps": made.state.max_steps,
        "stopped_early": early,
        "best_step": evaluations.take_best() if evaluations else None,
        "seconds": round(time.monotonic() - began, 3),
        "trained_parameters": tuned.count(),
        "train_loss": {"first": first(teller.losses), "last": first(teller.losses[::-1])},
        "tokens": teller.tokens,
    }
    learned.keep(run.folder, tuned, ready.mark, facts)
    return facts


def baseline(run: Run, model: Any, ready: Ready, exam: Exam, hear: Hearing) -> Findings:
    """What the untouched base makes of the exam, taken once a run."""
    path = run.folder / BASELINE
    if path.exists() and (kept := read_json(path))["fingerprint"] == ready.mark:
        return Findings.of_json(kept)
    found = exam.take(model, hear, untuned=True)
    write_json(path, {"fingerprint": ready.mark, **asdict(found)})
    return found


def evaluations_of(run: Run, tuned: Tuned, ready: Ready, progress: Progress) -> Evaluations | None:
    """Evaluations on the way, where they are asked for; raises BadRun where nothing is held out."""
    config = run.config
    if config.evaluate_every is None and config.patience is None:
        return None
    if not ready.rows.watched:
        raise BadRun("evaluate_every and patience need held-out rows, and there are none.")
    every = config.evaluate_every or max(1, ready.plan.steps // 20)
    return Evaluations(run.folder, tuned, ready.rows.watched, progress, every, config.patience)


def metrics_of(
    run: Run, ready: Ready, exam: Exam, findings: tuple[Findings, Findings], facts: dict[str, Any]
) -> dict[str, Any]:
    """The members of metrics.json; the answers themselves go into files of their own."""
    before, after = findings
    for name, each in (("before", before), ("after", after)):
        lines = (json.dumps(line, ensure_ascii=False) for line in exam.predictions(each.answers))
        path = run.folder / f"predictions-{name}.jsonl"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    evaluation = exam.compared(before, after, ready.rows.train)
    return {
        "method": str(run.config.method),
        "data": ready.rows.counts(),
        "sequences": ready.plan.sequences,
        "held_out": evaluation["held_out"],
        **{name: value for name, value in facts.items() if name != "max_steps"},
        "evaluation": evaluation,
    }


def first(numbers: list[float]) -> float | None:
    """The first of a list; None of an empty one."""
    return numbers[0] if numbers else None


def finish(run: Run, ready: Ready, tuned: Tuned, metrics: dict[str, Any]) -> None:
    """Publish the result, then say what it is; metrics.json comes last."""
    config, folder = run.config, run.folder
    written = [results.publish(config, folder, tuned, ready.tokenizer)]
    if config.merge and config.method is not Tuning.FULL:
        written.append(results.publish_merged(config, folder, ready.place, ready.tokenizer))
    versions, base = checkpoints.versions(), Path(config.base_model).name
    card = model_card(run, base, metrics, versions)
    (folder / "README.md").write_text(card, encoding="utf-8")
    report = {
        "schema": 1,
        "config": asdict(config) | {"base_model": base},
        "base": {"name": base, "sha256": ready.base_sha256, "parameters": ready.shape.parameters},
        "data": run.manifest.as_json(),
        "counts": metrics["data"],
        "plan": {"micro_batch": ready.plan.micro_batch, "checkpointing": ready.plan.checkpointing},
        "memory_retry": (folder / RETRY).exists(),
        "device": ready.place.name,
        "versions": versions,
        "servable": servable(config.method),
        "artifacts": results.digests(*written),
    }
    write_json(folder / "report.json", report)
    write_json(folder / "metrics.json", metrics)
    checkpoints.remove_all(run.checkpoints)
    learned.forget(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
