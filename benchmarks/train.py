"""What tuning costs: our trainer against transformers with PEFT, and against TRL, by real tokens.

Run: python3 run.py bench train [--goals] [--shape 8b] [--steps 20] [--repeats 2] [--tiny]
Needs the trainer's environment and no network: weights and rows are random, the rows as long as
Alpaca's (log-normal, mean 96 tokens, 60 % of each a prompt without loss). Every arm is a process of
its own with the same rows, LoRA (rank 16, all linear layers), bfloat16, fused AdamW and about as
many real tokens in each step; padding does not count. `--tiny` does all of it on a CPU with a model
of two layers, which shows that it works and nothing of its speed. `--goals` is the short way to the
figures that we promise: the 8B shape, the arms that these compare, few steps, and no arm begun that
would not end within `--minutes` (8). On a GPU our attention is first held against SDPA. An arm that
fails, for want of memory say, is told and the others go on. Prints a table, and last one line of
JSON.
"""

import argparse
import dataclasses
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import torch
from datasets import disable_progress_bars
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers import Trainer as PlainTrainer
from transformers.trainer_callback import PrinterCallback
from trl import SFTTrainer

from app.domain.training_config import TrainingConfig
from workers.training import attention, trainer
from workers.training.data import IGNORED, Encoded, as_dataset
from workers.training.device import Memory, Place, matmul_rate
from workers.training.plan import Plan

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SIGMA, PROMPT_SHARE = 0.6, 0.6  # of the lengths of Alpaca's rows, and of each the prompt
DATASHEET_FLOPS = 989e12  # of an H100 or H200, dense bfloat16


@dataclass(frozen=True)
class Shape:
    """A Llama by its sizes, and what it is fed with.

    `tokens` are about those of one step, `length` is that of a sequence, `mean` that of a row
    (Alpaca's have 96 tokens); `warm_up` steps are not timed.
    """

    hidden: int
    feed_forward: int
    layers: int
    heads: int
    key_value_heads: int
    vocabulary: int
    tied: bool
    length: int
    tokens: int
    mean: int = 96
    warm_up: int = 3


SHAPES = {
    "tiny": Shape(64, 128, 2, 4, 2, 512, tied=False, length=128, tokens=256, mean=16, warm_up=1),
    "1b": Shape(2048, 8192, 16, 32, 8, 128_256, tied=True, length=4096, tokens=16_384),
    "8b": Shape(4096, 14_336, 32, 32, 8, 128_256, tied=False, length=4096, tokens=16_384),
}


@dataclass(frozen=True)
class Arm:
    """One way to train: by whom, how many rows at once or, packed, how many lengths in one."""

    by: str
    rows: int = 0
    lengths: int = 1
    checkpointing: bool = False
    compiled: bool = False

    @property
    def packed(self) -> bool:
        return self.rows == 0


ARMS = {
    "hf_pad8": Arm("transformers", rows=8),
    "hf_pad16": Arm("transformers", rows=16),
    "trl_pad8": Arm("trl", rows=8),
    "trl_pack": Arm("trl"),
    "ours": Arm("ours"),
    "ours_long": Arm("ours", lengths=4),
    "ours_checkpointing": Arm("ours", lengths=4, checkpointing=True),
    "ours_compiled": Arm("ours", lengths=4, compiled=True),
}


# What the goals compare, and enough repeats of the cheapest to see the spread.
GOALS = ("ours", "trl_pack", "hf_pad8", "ours_long", "ours_checkpointing", "ours")
GOAL_STEPS, GOAL_MINUTES = 8, 8.0


OURS = [name for name, arm in ARMS.items() if arm.by == "ours"]


@dataclass(frozen=True)
class Measured:
    """What one arm did; memory in bytes, None on a CPU."""

    arm: str
    tokens_s: float
    learnt_tokens_s: float
    fill: float
    peak_bytes: int | None
    losses: list[float]


class Meter(TrainerCallback):
    """Times the steps behind the warm-up, the device waited for at both ends."""

    def __init__(self, warm_up: int, steps: int) -> None:
        self.warm_up, self.steps = warm_up, steps
        self.seconds, self.counting = 0.0, False
        self.losses: list[float] = []
        self._began = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self.warm_up:
            self._began, self.counting = _now(), True
        if state.global_step == self.warm_up + self.steps:
            self.seconds, self.counting = _now() - self._began, False

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if "loss" in (logs or {}):
            self.losses.append(float(logs["loss"]))


class Counting:
    """Before a trainer's class: counts places, real tokens and learnt ones of the timed steps."""

    meter: Meter
    counts: torch.Tensor | int = 0

    def training_step(self, model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
        if self.meter.counting:
            ids, labels, mask = inputs["input_ids"], inputs["labels"], inputs.get("attention_mask")
            real = torch.tensor(ids.numel(), device=ids.device) if mask is None else mask.sum()
            places = torch.tensor(ids.numel(), device=ids.device)
            self.counts = self.counts + torch.stack([places, real, (labels != IGNORED).sum()])
        return super().training_step(model, inputs, *rest, **named)  # type: ignore[misc]


class CountingPlain(Counting, PlainTrainer): ...


class CountingTrl(Counting, SFTTrainer): ...


class CountingOurs(Counting, trainer.Trainer): ...


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def rows_of(shape: Shape, count: int, seed: int = 0) -> list[Encoded]:
    """Rows of random ids, their lengths log-normal about the mean."""
    drawn, made = random.Random(seed), []
    middle = shape.mean / math.exp(SIGMA**2 / 2)
    for _ in range(count):
        size = max(4, min(shape.length, int(drawn.lognormvariate(0, SIGMA) * middle)))
        ids = [drawn.randrange(3, shape.vocabulary) for _ in range(size)]
        made.append(Encoded(ids, max(1, int(PROMPT_SHARE * size))))
    return made


def model_of(shape: Shape, arm: Arm, place: Place) -> Any:
    """A model with random weights, made on its device."""
    attention.register()
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        max_position_embeddings=shape.length * 8,
        tie_word_embeddings=shape.tied,
        pad_token_id=0,
        eos_token_id=2,
        attn_implementation=attention.NAME if arm.by == "ours" else "sdpa",
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if place.bf16 else torch.float32)
    try:
        with place.device:
            model = LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    set_seed(0)
    settings = LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules=LINEARS)
    return get_peft_model(model, settings)


def measure(name: str, shape: Shape, steps: int) -> Measured:
    """Train one arm for its warm-up and its timed steps."""
    arm, cuda = ARMS[name], torch.cuda.is_available()
    place = Place(torch.device("cuda", 0) if cuda else torch.device("cpu"), bf16=cuda)
    set_seed(0)
    model, meter = model_of(shape, arm, place), Meter(shape.warm_up, steps)
    with tempfile.TemporaryDirectory() as folder:
        made = _trainer(arm, shape, place, model, meter, Path(folder))
        if cuda:
            torch.cuda.reset_peak_memory_stats()
        made.train()
    places, real, learnt = (int(each) for each in made.counts)
    return Measured(
        name,
        tokens_s=real / meter.seconds,
        learnt_tokens_s=learnt / meter.seconds,
        fill=real / places,
        peak_bytes=torch.cuda.max_memory_allocated() if cuda else None,
        losses=meter.losses,
    )


def _trainer(arm: Arm, shape: Shape, place: Place, model: Any, meter: Meter, folder: Path) -> Any:
    length, at_once = shape.length * arm.lengths, arm.rows or 1
    accumulation = max(1, round(shape.tokens / (at_once * shape.mean if arm.rows else length)))
    steps = meter.warm_up + meter.steps
    wanted = steps * accumulation * at_once
    # Packed, a third more rows than would fill the sequences, so that none is half empty.
    count = wanted if arm.rows else wanted * length * 4 // (3 * shape.mean)
    dataset = as_dataset(rows_of(shape, count), pack_to=length if arm.packed else None)
    dataset = dataset.select(range(wanted))
    settings = _arguments(arm, place, folder, steps, accumulation, length)
    kinds = {"transformers": CountingPlain, "trl": CountingTrl, "ours": CountingOurs}
    more: dict[str, Any] = {"processing_class": _tokenizer()}
    if arm.by == "transformers":
        more = {"data_collator": _padded}
    if arm.by == "ours":
        more["mark"] = "benchmark"
    made = kinds[arm.by](
        model=model, args=settings, train_dataset=dataset, callbacks=[meter], **more
    )
    made.meter = meter
    made.remove_callback(PrinterCallback)
    return made


def _arguments(
    arm: Arm, place: Place, folder: Path, steps: int, accumulation: int, length: int
) -> Any:
    """Ours are those that a run has; the others have the same numbers in their own words."""
    config = TrainingConfig(base_model="-", max_steps=steps, batch_size=accumulation, packing=True)
    plan = Plan(length, 0, steps, 0, 1, arm.checkpointing, Memory(0, 1))
    ours = trainer.arguments(config, place, folder, plan)
    changed: dict[str, Any] = {
        "save_strategy": "no",
        "logging_steps": 1,
        "per_device_train_batch_size": arm.rows or 1,
        "gradient_accumulation_steps": accumulation,
        "packing": arm.packed,
    }
    if arm.compiled:
        # On a CPU only the way is tried, for it may have no compiler.
        backend = "inductor" if place.cuda else "eager"
        changed |= {"torch_compile": True, "torch_compile_backend": backend}
    if arm.by != "transformers":
        return dataclasses.replace(ours, **changed)
    del changed["packing"]
    kept = {name: getattr(ours, name) for name in ("bf16", "use_cpu", "optim", "learning_rate")}
    kept |= {"max_steps": steps, "report_to": "none", "disable_tqdm": True, "seed": 0}
    kept |= {"lr_scheduler_type": "cosine", "remove_unused_columns": False}
    return TrainingArguments(output_dir=str(folder), **kept, **changed)


def _padded(features: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Rows padded to the longest, as transformers does it."""
    longest = max(len(each["input_ids"]) for each in features)

    def filled(name: str, filler: int) -> torch.Tensor:
        lists = [list(each[name]) for each in features]
        return torch.tensor([each + [filler] * (longest - len(each)) for each in lists])

    sizes = [len(each["input_ids"]) for each in features]
    mask = torch.tensor([[1] * size + [0] * (longest - size) for size in sizes])
    ids, labels = filled("input_ids", 0), filled("labels", IGNORED)
    return {"input_ids": ids, "labels": labels, "attention_mask": mask}


def _tokenizer() -> PreTrainedTokenizerFast:
    """TRL wants one; nothing is cut into tokens here."""
    words = Tokenizer(WordLevel({"<pad>": 0, "<unk>": 1, "</s>": 2}))
    special = {"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=words, **special)


def matmul_parameters(shape: Shape) -> int:
    """Parameters that a token is multiplied by: all but the input embedding and the norms."""
    width = shape.hidden // shape.heads
    attended = shape.hidden * (2 * shape.hidden + 2 * shape.key_value_heads * width)
    layer = attended + 3 * shape.hidden * shape.feed_forward
    return shape.layers * layer + shape.hidden * shape.vocabulary


class ArmFailed(Exception):
    """An arm that did not come to its end; the message has its last words."""


def in_process_of_its_own(name: str, shape: str, steps: int, within_s: float | None) -> Measured:
    """One arm with a fresh device; raises ArmFailed."""
    command = [sys.executable, "-m", "benchmarks.train", "--shape", shape, "--arm", name]
    try:
        ended = subprocess.run(
            [*command, "--steps", str(steps)],
            capture_output=True,
            text=True,
            check=False,
            timeout=within_s,
        )
    except subprocess.TimeoutExpired:
        raise ArmFailed("the time was up") from None
    if ended.returncode != 0:
        raise ArmFailed("".join((ended.stdout + ended.stderr).splitlines(keepends=True)[-3:]))
    return Measured(**json.loads(ended.stdout.splitlines()[-1]))


def measure_all(
    arms: Sequence[str], one: Callable[[str, float | None], Measured], minutes: float | None
) -> tuple[list[Measured], dict[str, str]]:
    """Each arm in turn while there is time; what was measured, and why the others were not."""
    found: list[Measured] = []
    failed: dict[str, str] = {}
    ends_s = None if minutes is None else time.monotonic() + 60 * minutes
    for name in arms:
        left_s = None if ends_s is None else ends_s - time.monotonic()
        try:
            if left_s is not None and left_s <= 0:
                raise ArmFailed("the time was up")
            found.append(one(name, left_s))
        except ArmFailed as error:
            failed[name] = str(error)
            print(f"{name} failed: {error}", file=sys.stderr)
    return found, failed


def attention_difference(shape: Shape) -> float | None:
    """The largest difference of our attention over packed rows to SDPA's; None on a CPU.

    Both in bfloat16, whose values near 1 lie 0.008 apart.
    """
    if not torch.cuda.is_available():
        return None
    width, sizes = shape.hidden // shape.heads, [5, 96, 1, 410]
    borders = torch.tensor([0, *accumulate(sizes)], dtype=torch.int32, device="cuda")
    kinds = {"device": "cuda", "dtype": torch.bfloat16}
    query = torch.randn(1, shape.heads, sum(sizes), width, **kinds)
    key, value = (torch.randn_like(query) for _ in range(2))
    scale, named = width**-0.5, {"cu_seq_lens_q": borders, "max_length_q": max(sizes)}
    module = torch.nn.Module()
    ours, _ = attention.attend(module, query, key, value, None, 0.0, scale, **named)
    rows = [
        attention.attend(module, *(each[:, :, a:b] for each in (query, key, value)), None)[0]
        for a, b in pairwise(borders.tolist())
    ]
    return float((ours - torch.cat(rows, dim=1)).abs().max())


def summary(shape: Shape, found: Sequence[Measured], rate: float) -> dict[str, Any]:
    """The means of the repeats, and what the goals ask of them."""
    arms: dict[str, dict[str, Any]] = {}
    flops = 4 * matmul_parameters(shape)  # a token of LoRA: forward, and back to activations
    for name in dict.fromkeys(each.arm for each in found):
        own = [each for each in found if each.arm == name]
        speed = statistics.mean(each.tokens_s for each in own)
        arms[name] = {
            "tokens_s": round(speed, 1),
            "learnt_tokens_s": round(statistics.mean(each.learnt_tokens_s for each in own), 1),
            "spread": round(max(e.tokens_s for e in own) / min(e.tokens_s for e in own), 3),
            "fill": round(own[0].fill, 3),
            "peak_gb": own[0].peak_bytes and round(own[0].peak_bytes / 1e9, 1),
            "of_measured_matmul": round(speed * flops / rate, 4),
            "of_datasheet": round(speed * flops / DATASHEET_FLOPS, 4),
            "alpaca_three_epochs_h": round(52_002 * SHAPES["8b"].mean * 3 / speed / 3600, 2),
        }
    best = max((each["tokens_s"] for name, each in arms.items() if name in OURS), default=0.0)
    against = {name: round(best / arms[name]["tokens_s"], 2) for name in arms if name not in OURS}
    return {
        "matmul_tflops": round(rate / 1e12, 3),
        "arms": arms,
        "ours_against": against,
        "largest_loss_difference": loss_difference(found),
    }


def loss_difference(found: Sequence[Measured]) -> float | None:
    """Between TRL and us on the same packed rows; None where one of them did not run."""
    curves = {each.arm: each.losses for each in found}
    if not {"ours", "trl_pack"} <= curves.keys():
        return None
    pairs = zip(curves["ours"], curves["trl_pack"], strict=True)
    return max(abs(ours - theirs) for ours, theirs in pairs)


def show(result: dict[str, Any]) -> None:
    """The table."""
    print(
        f"{'arm':20} {'tokens/s':>10} {'fill':>6} {'peak GB':>8} {'of matmul':>10} {'3 epochs':>9}"
    )
    for name, each in result["arms"].items():
        print(
            f"{name:20} {each['tokens_s']:>10,.0f} {each['fill']:>6.0%} "
            f"{each['peak_gb'] or '-':>8} {each['of_measured_matmul']:>10.1%} "
            f"{each['alpaca_three_epochs_h']:>7.1f} h"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every arm, or one of them for the process that does."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--goals", action="store_true", help="what the goals compare, in minutes")
    parser.add_argument("--shape", choices=[*SHAPES], help="else 1b, or 8b for the goals")
    parser.add_argument("--steps", type=int, help=f"else 20, or {GOAL_STEPS} for the goals")
    parser.add_argument(
        "--repeats", type=int, help="of every arm, else 2; the goals have their own"
    )
    parser.add_argument(
        "--minutes", type=float, help="begin nothing, and end what runs, after so many"
    )
    parser.add_argument("--tiny", action="store_true", help="on a CPU, to see that it works")
    parser.add_argument("--arm", choices=[*ARMS], help="this one alone, as JSON")
    given = parser.parse_args(arguments)
    disable_progress_bars()
    name = "tiny" if given.tiny else given.shape or ("8b" if given.goals else "1b")
    steps = given.steps or (GOAL_STEPS if given.goals else 20)
    if given.arm:
        print(json.dumps(asdict(measure(given.arm, SHAPES[name], steps))))
        return
    if not given.tiny and not torch.cuda.is_available():
        sys.exit("There is no CUDA GPU here; --tiny shows on a CPU that every arm works.")
    place = Place(torch.device("cpu" if given.tiny else "cuda"), bf16=not given.tiny)

    def one(arm: str, left_s: float | None) -> Measured:
        if given.tiny:
            return measure(arm, SHAPES[name], steps)
        return in_process_of_its_own(arm, name, steps, left_s)

    arms = GOALS if given.goals else [*ARMS] * (given.repeats or 2)
    minutes = given.minutes or (GOAL_MINUTES if given.goals else None)
    facts = {"attention_difference": attention_difference(SHAPES[name])}
    rate = matmul_rate(place)
    found, failed = measure_all(arms, one, minutes)
    result = {"shape": name, "device": place.name, **facts, "failed": failed}
    result |= summary(SHAPES[name], found, rate)
    show(result)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
