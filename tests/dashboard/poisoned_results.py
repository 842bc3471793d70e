"""Harmful texts in what comes of a job: a file, a model, a curve, a judgement, templates."""

from collections.abc import Mapping
from uuid import UUID

import orjson
import sqlalchemy as sa

from app.db import comparisons, training_runs
from app.db.ids import new_id
from app.domain.lifecycle import TrainingState
from app.domain.stored import Job
from app.runtime import Runtime
from app.use_cases import exports, template_sets, training
from app.use_cases.template_sets import TemplateSetDetails
from app.use_cases.training_process import PROGRESS
from app.use_cases.worth import RESULT

_LOSS = {"before": 2.5, "after": 1.25, "change": {"mean": -1.25, "low": -1.5, "high": -1.0}}
_WIN = {"win_rate": 0.5, "low": 0.4, "high": 0.6, "confidence": 0.95, "wins": 1, "losses": 1}
_VERDICT = {"learnt": True, "remembers": False, "well_formed": None}
_WIN |= {"ties": 0, "unread": 0, "first_place": 0.5, "longer_wins": 0.5}


def results_of(runtime: Runtime, job: Job, teacher_id: UUID, texts: tuple[str, ...]) -> list[str]:
    """Store one of each; returns the addresses of their pages."""
    export_id = exports.request(runtime, job.id, "alpaca_jsonl").id
    exports.make(runtime, export_id)
    with runtime.database.transaction() as connection:
        run_id = _run(connection, export_id, texts, {"evaluation": _evaluation(texts)})
        curve_id = _run(connection, export_id, texts, {}, worth={"shares": [1.0], "repeats": 1})
        judged_id = _judged(connection, run_id, teacher_id, texts)
    _files(runtime, run_id)
    _curve(runtime, curve_id, texts)
    return [
        f"/dashboard/exports/{export_id}",
        *(f"/dashboard/training/{each}" for each in (run_id, curve_id)),
        f"/dashboard/training?export={export_id}",
        f"/dashboard/comparisons?run={run_id}",
        f"/dashboard/comparisons/{judged_id}",
        f"/dashboard/template-sets/{_templates(runtime, texts)}",
    ]


def _evaluation(texts: tuple[str, ...]) -> Mapping[str, object]:
    names = ("prompt", "target", "before", "after")
    samples = [dict(zip(names, (each, *texts[:3]), strict=True)) for each in texts]
    return {"held_out": _LOSS, "neutral": _LOSS, "samples": samples[:8], "verdict": _VERDICT}


def _run(
    connection: sa.Connection,
    export_id: UUID,
    texts: tuple[str, ...],
    metrics: Mapping[str, object],
    **more: object,
) -> UUID:
    run_id = new_id()
    values = {"id": run_id, "export_id": export_id, "base_model": texts[0], "method": "lora"}
    values |= {"settings": {"rank": 4, "note": texts[1]}, "held_out": 0.1, "dry_run": False}
    values |= {"state": TrainingState.SUCCEEDED, "metrics": metrics, "error": texts[3]}
    values |= {"plan": {"device": texts[2], "data": {"dropped": {texts[4]: 1}}}}
    training_runs.insert(connection, {**values, "bytes": 7, "sha256": "0" * 64, **more})
    return run_id


def _files(runtime: Runtime, run_id: UUID) -> None:
    """A result with a loss that fell, and the archive of it."""
    folder = training.run_folder(runtime, run_id)
    (folder / "adapter").mkdir(parents=True)
    (folder / "adapter" / "weights<b>").write_text("w")
    told = ({"phase": "train", "step": step, "max_steps": 3, "loss": 3.0 - step} for step in (1, 2))
    (folder / PROGRESS).write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in told))
    training.archive_path(runtime, run_id).write_bytes(b"archive")


def _curve(runtime: Runtime, run_id: UUID, texts: tuple[str, ...]) -> None:
    """What a worth curve told, as its trainer writes it."""
    run = training.get(runtime, run_id)
    folder = training.result_folder(runtime, run)
    folder.mkdir(parents=True)
    point = {"source": "rows", "loss": 1.5, "repeat": 0, "share": 1.0, "rouge_l": 7.5}
    mean = {"source": "rows", "rows": 20, "loss": 1.5, "low": 1.4, "high": 1.6}
    told = {
        "points": [{**point, "rows": 20, "neutral_loss": 2.0}],
        "means": [mean],
        "base_loss": 2.0,
    }
    told |= {"runs": {"done": 1, "of": 2}, "measure": texts[0], "next": None}
    (folder / RESULT).write_bytes(orjson.dumps(told))


def _judged(
    connection: sa.Connection, run_id: UUID, teacher_id: UUID, texts: tuple[str, ...]
) -> UUID:
    comparison_id = new_id()
    values = {"id": comparison_id, "run_id": run_id, "teacher_id": teacher_id, "judge": texts[0]}
    values |= {"language": "en", "state": TrainingState.SUCCEEDED, "done": 2, "total": 2}
    values |= {"result": {"simulated": True, "comparison": _WIN}, "error": texts[1], "pairs": []}
    comparisons.insert(connection, values)
    return comparison_id


def _templates(runtime: Runtime, texts: tuple[str, ...]) -> UUID:
    jinja = orjson.dumps(f"{texts[0]} {{{{ question }}}} ||| {texts[1]}").decode()
    lines = ["dataset: harm", "templates:", "  one: !Template", "    answer_choices: null"]
    lines += ["    id: one", f"    jinja: {jinja}", f"    name: {orjson.dumps(texts[2]).decode()}"]
    lines += ["    reference: ''"]
    details = TemplateSetDetails(name=texts[0], licence=texts[1], source=texts[3])
    added = template_sets.add(runtime, details, ["\n".join(lines).encode()])
    return added.template_set.id
