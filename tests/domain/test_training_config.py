"""What a run may be told, and what each method allows."""

import pytest

from app.domain.options import options_schema
from app.domain.training_config import TrainingConfig, read_config
from app.domain.tuning import METHOD_OPTIONS, TUNING_METHODS, Tuning, servable
from app.domain.tuning_counts import Linear, ModelShape, trained_count
from app.errors import InvalidInput

BASE = {"base_model": "/models/rose"}
SHAPE = ModelShape(
    parameters=1000,
    layers=2,
    hidden=64,
    key_value_width=32,
    biases=0,
    linears=(Linear("k_proj", 64, 32), Linear("v_proj", 64, 32), Linear("down_proj", 172, 64)) * 2,
)


def problems(**given: object) -> dict[str, str]:
    with pytest.raises(InvalidInput) as raised:
        read_config({**BASE, **given})
    return {each.pointer: each.code for each in raised.value.problems}


def test_what_is_left_open_comes_from_the_method() -> None:
    lora, prompt = read_config(BASE), read_config({**BASE, "method": "prompt_tuning"})
    assert (lora.method, lora.rate, lora.packs) == (Tuning.LORA, 2e-4, True)
    assert (prompt.rate, prompt.packs) == (3e-2, False)
    assert read_config({**BASE, "learning_rate": 0.5, "packing": False}).rate == 0.5


@pytest.mark.parametrize("method", [each for each in Tuning if not TUNING_METHODS[each].packing])
def test_methods_that_would_leak_cannot_pack(method: Tuning) -> None:
    assert problems(method=str(method), packing=True) == {"/packing": "not_exact"}


def test_settings_at_odds_are_all_named() -> None:
    assert problems(method="prefix_tuning", checkpointing=True, merge=True, packing=True) == {
        "/packing": "not_exact",
        "/checkpointing": "not_possible",
        "/merge": "not_possible",
    }
    assert problems(method="qlora", device="cpu") == {"/device": "needs_cuda"}
    assert problems(batch_size=6, micro_batch=4) == {"/micro_batch": "not_a_divisor"}
    assert problems(base_model="") == {"/base_model": "missing_field"}


def test_another_methods_setting_is_refused() -> None:
    assert problems(method="prompt_tuning", rank=8) == {"/rank": "not_understood"}
    with pytest.raises(InvalidInput) as raised:
        read_config({**BASE, "method": "full", "rank": 8})
    assert raised.value.problems[0].detail == "full has no rank; it has no settings of its own"


def test_unknown_settings_and_methods_are_refused_with_a_hint() -> None:
    assert problems(learning_rat=1) == {"/learning_rat": "unknown_field"}
    assert problems(method="lorra", seed=-1) == {"/method": "wrong_type", "/seed": "out_of_range"}


def test_every_methods_settings_are_settings() -> None:
    assert set(options_schema(TrainingConfig)["properties"]) >= METHOD_OPTIONS  # type: ignore[operator]


def test_what_can_be_served_where() -> None:
    assert servable(Tuning.LORA) == {"transformers": True, "vllm": True, "merged": True}
    assert servable(Tuning.DORA)["vllm"] is False
    assert servable(Tuning.FULL) == {"transformers": True, "vllm": True, "merged": False}
    assert servable(Tuning.PROMPT) == {"transformers": True, "vllm": False, "merged": False}


@pytest.mark.parametrize(
    ("method", "settings", "wanted"),
    [
        ("lora", {"rank": 8}, 8 * 2 * (96 + 96 + 236)),
        ("dora", {"rank": 8}, 8 * 2 * (96 + 96 + 236) + 2 * 128),
        ("full", {}, 1000),
        ("prompt_tuning", {"virtual_tokens": 8}, 512),
        ("p_tuning", {"virtual_tokens": 8, "encoder_hidden": 32}, 5760),
        ("prefix_tuning", {"virtual_tokens": 8}, 1024),
        ("bitfit", {}, 2 * 128),
        ("houlsby", {"bottleneck": 8}, 4384),
        ("intrinsic", {"dimension": 256}, 256),
        ("intrinsic_prompt", {"dimension": 16}, 16),
        ("ia3", {}, 472),
    ],
)
def test_counts(method: str, settings: dict[str, int], wanted: int) -> None:
    assert trained_count(read_config({**BASE, "method": method, **settings}), SHAPE) == wanted
