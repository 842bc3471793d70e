"""How a model can be tuned: one table of methods, what each allows and what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Tuning(StrEnum):
    """The methods by the names that requests use."""

    LORA = "lora"
    RSLORA = "rslora"
    DORA = "dora"
    QLORA = "qlora"
    FULL = "full"
    PROMPT = "prompt_tuning"
    P_TUNING = "p_tuning"
    PREFIX = "prefix_tuning"
    BITFIT = "bitfit"
    HOULSBY = "houlsby"
    INTRINSIC = "intrinsic"
    INTRINSIC_PROMPT = "intrinsic_prompt"
    IA3 = "ia3"


@dataclass(frozen=True, kw_only=True)
class TuningMethod:
    """What a method is and what it allows.

    `packing`: rows may share a sequence, because the result is exactly that of separate rows.
    `checkpointing`: activations may be computed again instead of kept. `learning_rate`: the
    default. `options`: the settings that this method alone understands. `starts_as_base`: before
    the first step the outputs are those of the base model. `mergeable`: the result can be written
    as a whole model of the base's own kind. `vllm`: the adapter can be served there unmerged.
    """

    title: str
    paper: str
    packing: bool = True
    checkpointing: bool = True
    learning_rate: float
    options: tuple[str, ...] = ()
    starts_as_base: bool = True
    mergeable: bool = True
    vllm: bool = False
    needs_cuda: bool = False
    note: str = ""


_LORA_OPTIONS = ("rank", "alpha", "dropout", "targets")
_SOFT_NOTE = (
    "Virtual tokens stand before the row; in a packed sequence later rows would see earlier ones."
)

# LoRA's rate is ten times that of full fine-tuning (Schulman et al. 2025, "LoRA Without Regret");
# methods with few parameters want more.
TUNING_METHODS: Mapping[Tuning, TuningMethod] = {
    Tuning.LORA: TuningMethod(
        title="LoRA: low-rank updates of the linear layers",
        paper="Hu et al. 2021, arXiv:2106.09685",
        learning_rate=2e-4,
        options=_LORA_OPTIONS,
        vllm=True,
    ),
    Tuning.RSLORA: TuningMethod(
        title="LoRA scaled by the root of the rank",
        paper="Kalajdzievski 2023, arXiv:2312.03732",
        learning_rate=2e-4,
        options=_LORA_OPTIONS,
        vllm=True,
    ),
    Tuning.DORA: TuningMethod(
        title="DoRA: LoRA on directions, magnitudes learnt apart",
        paper="Liu et al. 2024, arXiv:2402.09353",
        learning_rate=2e-4,
        options=_LORA_OPTIONS,
    ),
    Tuning.QLORA: TuningMethod(
        title="LoRA on a base held in 4 bits",
        paper="Dettmers et al. 2023, arXiv:2305.14314",
        learning_rate=2e-4,
        options=_LORA_OPTIONS,
        starts_as_base=False,
        vllm=True,
        needs_cuda=True,
        note="The base is rounded to 4 bits, so outputs differ from it from the start.",
    ),
    Tuning.FULL: TuningMethod(
        title="Full fine-tuning: every parameter",
        paper="Wang et al. 2022, arXiv:2212.10560",
        learning_rate=2e-5,
        note="The result is a whole model, not an adapter.",
    ),
    Tuning.PROMPT: TuningMethod(
        title="Prompt tuning: learnt tokens before the prompt",
        paper="Lester et al. 2021, arXiv:2104.08691",
        packing=False,
        learning_rate=3e-2,
        options=("virtual_tokens",),
        starts_as_base=False,
        mergeable=False,
        note=_SOFT_NOTE,
    ),
    Tuning.P_TUNING: TuningMethod(
        title="P-tuning: learnt tokens written by a small network",
        paper="Liu et al. 2021, arXiv:2103.10385",
        packing=False,
        learning_rate=1e-3,
        options=("virtual_tokens", "encoder_hidden"),
        starts_as_base=False,
        mergeable=False,
        note=_SOFT_NOTE,
    ),
    Tuning.PREFIX: TuningMethod(
        title="Prefix tuning: learnt keys and values in every layer",
        paper="Li & Liang 2021, arXiv:2101.00190",
        packing=False,
        checkpointing=False,
        learning_rate=1e-2,
        options=("virtual_tokens",),
        starts_as_base=False,
        mergeable=False,
        note=_SOFT_NOTE,
    ),
    Tuning.BITFIT: TuningMethod(
        title="BitFit: bias terms only",
        paper="Ben Zaken et al. 2021, arXiv:2106.10199",
        learning_rate=1e-3,
        note=(
            "A base without bias terms gets new ones on its linear layers (PEFT's BEFT); only "
            "terms that the base has can be merged."
        ),
    ),
    Tuning.HOULSBY: TuningMethod(
        title="Adapters: a bottleneck after attention and after the feed-forward part",
        paper="Houlsby et al. 2019, arXiv:1902.00751",
        learning_rate=1e-3,
        options=("bottleneck",),
        mergeable=False,
    ),
    Tuning.INTRINSIC: TuningMethod(
        title="Intrinsic dimension: one vector behind a fixed random projection",
        paper="Aghajanyan et al. 2020, arXiv:2012.13255",
        learning_rate=5e-3,
        options=("rank", "dimension"),
        starts_as_base=False,
        note="It projects into LoRA's weights (Uni-LoRA, Li et al. 2025, arXiv:2506.00799).",
    ),
    Tuning.INTRINSIC_PROMPT: TuningMethod(
        title="Intrinsic prompt tuning (random subspace)",
        paper="Qin et al. 2021, arXiv:2110.07867",
        packing=False,
        learning_rate=1e-2,
        options=("virtual_tokens", "dimension"),
        starts_as_base=False,
        mergeable=False,
        note=(
            "The subspace is drawn at random, not found from the prompts of many tasks as in the "
            f"paper. {_SOFT_NOTE}"
        ),
    ),
    Tuning.IA3: TuningMethod(
        title="IA3: learnt scales of keys, values and the feed-forward part",
        paper="Liu et al. 2022, arXiv:2205.05638",
        learning_rate=3e-3,
    ),
}

METHOD_OPTIONS = frozenset(name for each in TUNING_METHODS.values() for name in each.options)
"""Settings that some methods understand and others do not."""


def servable(method: Tuning) -> Mapping[str, bool]:
    """Where a result can be served: by transformers, by vLLM as it is, merged into its base."""
    found = TUNING_METHODS[method]
    whole = method is Tuning.FULL
    return {
        "transformers": True,
        "vllm": found.vllm or whole,
        "merged": found.mergeable and not whole,
    }
