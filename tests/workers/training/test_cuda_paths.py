"""What is made for a GPU, as far as a CPU can tell: arguments, types, memory that is planned."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch

from app.domain.training_config import TrainingConfig
from app.domain.tuning import Tuning
from app.domain.tuning_counts import Linear, ModelShape
from workers.training import attention, base_model, trainer
from workers.training.device import Memory, Place
from workers.training.failures import BadRun
from workers.training.plan import Plan, make_plan, weight_bytes

BORDERS = torch.tensor([0, 3, 4, 9], dtype=torch.int32)
GPU = Place(torch.device("cuda", 0), bf16=True)
SHAPE = ModelShape(
    parameters=8_000_000_000,
    layers=32,
    hidden=4096,
    key_value_width=1024,
    biases=0,
    linears=tuple(Linear("q_proj", 4096, 4096) for _ in range(400)),
)


class Kernel:
    """Stands where torch's kernel does, refuses what that refuses, and does the same slowly."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        cu_seq_q: torch.Tensor,
        cu_seq_k: torch.Tensor,
        max_q: int,
        max_k: int,
        *,
        scale: float | None,
        window_size: tuple[int, int],
    ) -> torch.Tensor:
        self.calls += 1
        assert {each.dtype for each in (query, key, value)} == {torch.bfloat16}
        assert query.shape == key.shape == value.shape == (9, 4, 8)
        assert cu_seq_q.dtype is cu_seq_k.dtype is torch.int32
        assert (max_q, max_k, window_size) == (5, 5, (-1, 0)), "causal, each row by itself"
        parts = []
        for begin, end in torch.stack([cu_seq_q[:-1], cu_seq_q[1:]], dim=1).tolist():
            turned = [each[begin:end].transpose(0, 1).float() for each in (query, key, value)]
            found = torch.nn.functional.scaled_dot_product_attention(
                *turned, is_causal=True, scale=scale
            )
            parts.append(found.transpose(0, 1))
        return torch.cat(parts).to(query.dtype)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    monkeypatch.setattr(attention, "varlen_attn", made)
    monkeypatch.setattr(attention, "_is_ampere", lambda _: True)
    return made


class Grouped(torch.nn.Module):
    """A layer of four heads and two of keys and values."""

    num_key_value_groups = 2


def attended(kind: torch.dtype, width: int = 8) -> torch.Tensor:
    drawn = torch.Generator().manual_seed(0)
    shapes = [(1, heads, 9, width) for heads in (4, 2, 2)]
    inputs = [torch.randn(shape, generator=drawn).to(kind) for shape in shapes]
    named: dict[str, Any] = {"cu_seq_lens_q": BORDERS, "max_length_q": 5}
    out, _ = attention.attend(Grouped(), *inputs, None, 0.0, 0.5, **named)
    assert (out.shape, out.dtype) == ((1, 9, 4, width), kind)
    return out.float()


def test_the_kernel_gets_what_it_takes_and_gives_the_same(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_kernel = attended(torch.bfloat16)
    assert kernel.calls == 1
    monkeypatch.setattr(attention, "_is_ampere", lambda _: False)
    row_by_row = attended(torch.bfloat16)
    assert kernel.calls == 1, "an older GPU has no such kernel"
    torch.testing.assert_close(by_kernel, row_by_row, atol=2e-2, rtol=2e-2)


def test_what_float32_norms_widened_is_narrowed_again(kernel: Kernel) -> None:
    """As beside a base in 4 bits: the kernel knows half types alone."""
    with torch.autocast("cpu", torch.bfloat16):
        narrowed = attended(torch.float32)
    assert kernel.calls == 1
    torch.testing.assert_close(narrowed, attended(torch.float32), atol=2e-2, rtol=2e-2)
    assert kernel.calls == 1, "without autocast float32 is meant, and SDPA knows that"


def test_heads_that_the_kernel_does_not_know_go_by_sdpa(kernel: Kernel) -> None:
    attended(torch.bfloat16, width=12)
    attended(torch.bfloat16, width=264)
    assert kernel.calls == 0


def loaded(monkeypatch: pytest.MonkeyPatch, base: Path, config: TrainingConfig) -> dict[str, Any]:
    """The words in which transformers is asked for the model."""
    asked: dict[str, Any] = {}

    def from_pretrained(_: Path, **options: Any) -> torch.nn.Module:
        asked.update(options)
        return torch.nn.Identity()

    monkeypatch.setattr(base_model.AutoModelForCausalLM, "from_pretrained", from_pretrained)
    base_model.load_model(base, config, Place(torch.device("cpu"), bf16=True))
    return asked


def test_qlora_asks_for_nf4_and_computes_in_bfloat16(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = loaded(monkeypatch, base, TrainingConfig(base_model="-", method=Tuning.QLORA))
    bits = asked["quantization_config"]
    assert (bits.load_in_4bit, bits.bnb_4bit_quant_type) == (True, "nf4")
    assert (bits.bnb_4bit_use_double_quant, bits.bnb_4bit_compute_dtype) == (True, torch.bfloat16)
    assert asked["device_map"] == {"": 0}
    assert asked["attn_implementation"] == attention.NAME
    assert (asked["trust_remote_code"], asked["use_safetensors"]) == (False, True)


def test_full_tuning_keeps_its_weights_in_float32(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = loaded(monkeypatch, base, TrainingConfig(base_model="-", method=Tuning.FULL))
    lora = loaded(monkeypatch, base, TrainingConfig(base_model="-"))
    assert (full["dtype"], lora["dtype"]) == (torch.float32, torch.bfloat16)
    assert not {"quantization_config", "device_map"} & {*full, *lora}


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is not None, reason="it is here")
def test_without_bitsandbytes_it_says_what_to_do(base: Path) -> None:
    config = TrainingConfig(base_model="-", method=Tuning.QLORA)
    with pytest.raises(BadRun, match=r"bitsandbytes.*run\.py trainer --cuda"):
        base_model.load_model(base, config, GPU)


def test_trl_is_asked_for_a_fused_optimizer_in_bfloat16(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(trainer, "SFTConfig", lambda **named: asked.update(named))
    plan = Plan(4096, 10, 5, 100, 2, True, Memory(0, 1))
    trainer.arguments(TrainingConfig(base_model="-", batch_size=8), GPU, tmp_path, plan)
    wanted = {
        "optim": "adamw_torch_fused",
        "bf16": True,
        "use_cpu": False,
        "gradient_checkpointing": True,
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 4,
        "dataloader_pin_memory": True,
    }
    assert {name: asked[name] for name in wanted} == wanted


def test_memory_decides_what_goes_in_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def planned(gib: int, method: Tuning = Tuning.LORA) -> Plan:
        class Properties:
            total_memory = gib << 30

        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: Properties())
        config = TrainingConfig(base_model="-", method=method, batch_size=16)
        return make_plan(config, SHAPE, GPU, length=2048, sequences=100)

    roomy, narrow = planned(141), planned(24)
    assert (roomy.checkpointing, narrow.checkpointing) == (False, True)
    assert roomy.micro_batch > 1
    assert narrow.micro_batch < planned(24, Tuning.QLORA).micro_batch <= 16
    for gib, plan in ((141, roomy), (24, planned(24, Tuning.QLORA))):
        assert plan.needed.total(plan.micro_batch) <= 0.85 * (gib << 30)


def test_four_bits_are_a_quarter_of_sixteen() -> None:
    lora, qlora = (
        weight_bytes(TrainingConfig(base_model="-", method=method), SHAPE, bf16=True)
        for method in (Tuning.LORA, Tuning.QLORA)
    )
    linear = 400 * 4096 * 4096
    assert lora == 2 * SHAPE.parameters
    assert qlora == pytest.approx(0.516 * linear + 4 * (SHAPE.parameters - linear), rel=1e-3)
