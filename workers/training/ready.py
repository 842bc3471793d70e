"""Everything that is decided before the base's weights are read: rows, plan, device, questions."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.domain.training_config import TrainingConfig
from app.domain.tuning import TUNING_METHODS
from app.domain.tuning_counts import ModelShape
from workers.training import base_model, checkpoints
from workers.training.answers import Answering
from workers.training.data import Encoder, Rows, as_dataset, encode_rows
from workers.training.device import Place, choose, largest_divisor
from workers.training.exam import Exam, questions_of
from workers.training.failures import BadRun
from workers.training.neutral_text import neutral_rows
from workers.training.plan import Plan, make_plan, shape_of
from workers.training.run_folder import Run

RETRY = "retry.json"
_ANSWERS_GPU, _ANSWERS_CPU = 32, 8


@dataclass(frozen=True)
class Ready:
    """What a run knows before it loads its base."""

    tokenizer: Any
    rows: Rows
    dataset: Any
    shape: ModelShape
    place: Place
    plan: Plan
    base_sha256: str
    mark: str
    positions: int | None


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
    room = positions_for(config, outline.config)
    return Ready(tokenizer, rows, dataset, shape, place, plan, base_sha256, mark, room)


def fitting_length(config: TrainingConfig, settings: Any) -> int:
    """The longest sequence that both the settings and the base's positions allow."""
    room = positions_for(config, settings)
    if room is None:
        return config.max_length
    if room < 1:
        positions = room + config.virtual_tokens
        raise BadRun(f"The base has {positions} positions, too few for the virtual tokens.")
    return min(config.max_length, room)


def positions_for(config: TrainingConfig, settings: Any) -> int | None:
    """How many tokens the base has positions for, beside virtual ones; None without a limit."""
    positions = getattr(settings.get_text_config(), "max_position_embeddings", None)
    return None if positions is None else positions - virtual_tokens(config)


def virtual_tokens(config: TrainingConfig) -> int:
    """How many learnt tokens stand before each row."""
    soft = "virtual_tokens" in TUNING_METHODS[config.method].options
    return config.virtual_tokens if soft else 0


def spared(config: TrainingConfig, plan: Plan) -> Plan:
    """The plan after memory ran out: half as much at once, nothing kept that can be computed.

    A step still sees the same sequences, so what is learnt is the same up to rounding.
    """
    half = largest_divisor(plan.micro_batch, max(1, plan.micro_batch // 2))
    checkpointing = TUNING_METHODS[config.method].checkpointing
    return replace(plan, micro_batch=half, checkpointing=checkpointing)


def exam_of(run: Run, ready: Ready) -> Exam:
    """What is asked before and after."""
    config, rows = run.config, ready.rows
    count = config.answers
    if count is None:
        count = _ANSWERS_GPU if ready.place.cuda else _ANSWERS_CPU
    how = Answering(
        ready.tokenizer, config.answer_tokens, ready.positions, padded=not virtual_tokens(config)
    )
    return Exam(
        rows.held_out,
        rows.seeds,
        neutral_rows(ready.tokenizer, ready.plan.length),
        questions_of(rows.held_out, rows.seeds, count),
        how,
    )
