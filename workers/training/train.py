"""Trains one run: `python -m workers.training.train RUN_DIR [--dry-run]`.

Reads `config.json`, `manifest.json` and `data.jsonl`; writes `progress.jsonl` as it goes, and at
the end `adapter/` (or `model/`), `metrics.json`, `report.json` and `README.md`. Needs no network,
no database and no key. Killed at any moment, it goes on from its last whole checkpoint when it is
started again. Exit statuses are those of `app.domain.training_ending`.
"""

import argparse
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import datasets
from transformers import set_seed

from app.domain.training_config import TrainingConfig
from app.domain.training_ending import Ending
from app.domain.tuning import TUNING_METHODS, Tuning, servable
from app.domain.tuning_counts import ModelShape
from workers.training import base_model, checkpoints, results, trainer
from workers.training.data import Encoder, Rows, as_dataset, encode_rows
from workers.training.device import Place, choose, largest_divisor
from workers.training.evaluate import Evaluations, Loss, completion_loss
from workers.training.failures import BadRun, Diverged, ending_of, told
from workers.training.model_card import model_card
from workers.training.parent import end_with_parent
from workers.training.plan import Plan, make_plan, shape_of
from workers.training.progress import Progress, StopRequest, Teller
from workers.training.run_folder import Run, open_run, read_json, write_json
from workers.training.tuning import TUNERS
from workers.training.tuning.tuned import Tuned

RETRY, BASELINE = "retry.json", "baseline.json"


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
    """Check and count; then, unless that is all, load the base and learn."""
    datasets.disable_progress_bars()
    progress = Progress(folder)
    progress.tell("prepare")
    run = open_run(folder)
    ready = prepare(run)
    if dry_run:
        plan = ready.plan.as_json(run.config, ready.rows, ready.shape, ready.place)
        write_json(folder / "plan.json", plan)
        return Ending.DONE
    progress.tell("load")
    model = base_model.load_model(Path(run.config.base_model), run.config, ready.place)
    before = baseline(run, model, ready)
    set_seed(run.config.seed)  # adapters are drawn at random
    tuned = TUNERS[run.config.method](model, run.config)
    return Ending.STOPPED if stop.asked else learn(run, ready, tuned, before, stop, progress)


def learn(
    run: Run,
    ready: "Ready",
    tuned: Tuned,
    before: Loss | None,
    stop: StopRequest,
    progress: Progress,
) -> Ending:
    """Train from the beginning or the last checkpoint to the end, and leave the result."""
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
        return Ending.STOPPED

    best = evaluations.take_best() if evaluations else None
    after = completion_loss(tuned.model, ready.rows.held_out) if ready.rows.held_out else None
    metrics = metrics_of(run, ready, teller, before, after) | {
        "steps": made.state.global_step,
        "stopped_early": early,
        "best_step": best,
        "seconds": round(time.monotonic() - began, 3),
        "trained_parameters": tuned.count(),
    }
    progress.tell("save")
    finish(run, ready, tuned, metrics)
    progress.tell("done", step=made.state.global_step, max_steps=made.state.max_steps)
    return Ending.DONE


@dataclass(frozen=True)
class Ready:
    """Everything that is decided before the base's weights are read."""

    tokenizer: Any
    rows: Rows
    dataset: Any
    shape: ModelShape
    place: Place
    plan: Plan
    base_sha256: str
    mark: str


def prepare(run: Run) -> Ready:
    """Check the data against the base, count, and plan; raises BadRun or NoDevice."""
    config, folder = run.config, Path(run.config.base_model)
    outline = base_model.outline(folder)
    tokenizer = base_model.load_tokenizer(folder)
    length = fitting_length(config, outline.config)
    rows = encode_rows(run.rows(), Encoder(tokenizer), length)
    shape = shape_of(outline)
    dataset = as_dataset(rows.train, pack_to=length if config.packs else None)
    place = choose(config, shape.parameters * rows.counts()["tokens"] * config.epochs)
    plan = make_plan(config, shape, place, length=length, sequences=len(dataset))
    base_sha256 = base_model.identity(folder, run.folder / "base.json")
    mark = checkpoints.fingerprint(config, run.manifest.sha256, base_sha256)
    plan = spared(config, plan) if (run.folder / RETRY).exists() else plan
    return Ready(tokenizer, rows, dataset, shape, place, plan, base_sha256, mark)


def fitting_length(config: TrainingConfig, settings: Any) -> int:
    """The longest sequence that both the settings and the base's positions allow."""
    positions = getattr(settings.get_text_config(), "max_position_embeddings", None)
    if positions is None:
        return config.max_length
    soft = "virtual_tokens" in TUNING_METHODS[config.method].options
    room = positions - (config.virtual_tokens if soft else 0)
    if room < 1:
        raise BadRun(f"The base has {positions} positions, too few for the virtual tokens.")
    return min(config.max_length, room)


def spared(config: TrainingConfig, plan: Plan) -> Plan:
    """The plan after memory ran out: half as much at once, nothing kept that can be computed.

    A step still sees the same sequences, so what is learnt is the same up to rounding.
    """
    half = largest_divisor(plan.micro_batch, max(1, plan.micro_batch // 2))
    checkpointing = TUNING_METHODS[config.method].checkpointing
    return replace(plan, micro_batch=half, checkpointing=checkpointing)


def baseline(run: Run, model: Any, ready: Ready) -> Loss | None:
    """The held-out loss of the untouched base, taken once a run."""
    if not ready.rows.held_out:
        return None
    path = run.folder / BASELINE
    if path.exists() and (kept := read_json(path))["fingerprint"] == ready.mark:
        return Loss(kept["mean"], kept["tokens"])
    loss = completion_loss(model, ready.rows.held_out)
    write_json(path, {"fingerprint": ready.mark, **asdict(loss)})
    return loss


def evaluations_of(run: Run, tuned: Tuned, ready: Ready, progress: Progress) -> Evaluations | None:
    """Evaluations on the way, where they are asked for; raises BadRun where nothing is held out."""
    config = run.config
    if config.evaluate_every is None and config.patience is None:
        return None
    if not ready.rows.held_out:
        raise BadRun("evaluate_every and patience need held-out rows, and there are none.")
    every = config.evaluate_every or max(1, ready.plan.steps // 20)
    return Evaluations(run.folder, tuned, ready.rows.held_out, progress, every, config.patience)


def metrics_of(
    run: Run, ready: Ready, teller: Teller, before: Loss | None, after: Loss | None
) -> dict[str, Any]:
    """The numbers of metrics.json that the run itself tells."""
    held = None
    if before is not None and after is not None:
        rows = len(ready.rows.held_out)
        held = {"before": before.mean, "after": after.mean, "tokens": after.tokens, "rows": rows}
    return {
        "method": str(run.config.method),
        "data": ready.rows.counts(),
        "sequences": ready.plan.sequences,
        "train_loss": {"first": first(teller.losses), "last": first(teller.losses[::-1])},
        "held_out": held,
        "tokens": teller.tokens,
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
