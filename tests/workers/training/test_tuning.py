"""Every method: its count by formula, the base untouched, its beginning, its result read back."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from app.domain.training_config import TrainingConfig
from app.domain.tuning import TUNING_METHODS, Tuning
from app.domain.tuning_counts import trained_count
from tests.workers.training.handing import rows
from workers.training import base_model
from workers.training.data import Encoded
from workers.training.device import Place
from workers.training.evaluate import completion_loss
from workers.training.failures import BadRun
from workers.training.plan import shape_of
from workers.training.tuning import TUNERS
from workers.training.tuning.loading import merged, with_adapter
from workers.training.tuning.tuned import Tuned

HERE = Place(torch.device("cpu"), bf16=False)
METHODS = [each for each in Tuning if each is not Tuning.QLORA]
SMALL = {"rank": 4, "virtual_tokens": 6, "encoder_hidden": 16, "bottleneck": 8, "dimension": 64}


def config_of(method: Tuning, base: Path, **more: Any) -> TrainingConfig:
    own = {name: SMALL[name] for name in SMALL if name in TUNING_METHODS[method].options}
    return TrainingConfig(base_model=str(base), method=method, **{**own, **more})


def tuned_by(method: Tuning, base: Path, **more: Any) -> Tuned:
    config = config_of(method, base, **more)
    torch.manual_seed(0)
    return TUNERS[method](base_model.load_model(base, config, HERE), config)


@pytest.fixture(scope="module")
def encoded(base: Path) -> list[Encoded]:
    tokenizer = base_model.load_tokenizer(base)
    found = []
    for row in rows(4):
        prompt = tokenizer(row["prompt"])["input_ids"]
        found.append(Encoded([*prompt, *tokenizer(row["completion"])["input_ids"]], len(prompt)))
    return found


def logits(model: Any, encoded: list[Encoded]) -> torch.Tensor:
    """The logits of the first row's own tokens."""
    ids = torch.tensor([encoded[0].ids])
    model.eval()
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[:, -ids.shape[1] :]


def train_a_little(tuned: Tuned, encoded: list[Encoded], steps: int = 3) -> None:
    """A few steps on one row; the rate is large, so that what moves has moved."""
    optimizer = torch.optim.AdamW([each for _, each in tuned.trained()], lr=0.05, weight_decay=0.0)
    ids = torch.tensor([encoded[0].ids])
    tuned.model.train()
    for _ in range(steps):
        loss = tuned.model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def frozen(tuned: Tuned) -> Iterator[tuple[str, torch.Tensor]]:
    return (
        (name, each.detach().clone())
        for name, each in tuned.model.named_parameters()
        if not each.requires_grad
    )


@pytest.mark.parametrize("method", METHODS)
def test_counts_are_by_formula(method: Tuning, base: Path) -> None:
    shape = shape_of(base_model.outline(base))
    assert tuned_by(method, base).count() == trained_count(config_of(method, base), shape)


def test_the_count_of_own_biases_is_by_formula(base: Path, biased_base: Path) -> None:
    shape = shape_of(base_model.outline(biased_base))
    assert shape.biases > 0
    assert shape_of(base_model.outline(base)).biases == 0
    config = config_of(Tuning.BITFIT, biased_base)
    assert tuned_by(Tuning.BITFIT, biased_base).count() == trained_count(config, shape)


@pytest.mark.parametrize("method", METHODS)
def test_begins_as_the_base_where_it_says_so(
    method: Tuning, base: Path, encoded: list[Encoded]
) -> None:
    plain = base_model.load_model(base, config_of(method, base), HERE)
    before = logits(plain, encoded)
    difference = (logits(tuned_by(method, base).model, encoded) - before).abs().max().item()
    assert (difference < 1e-5) == TUNING_METHODS[method].starts_as_base


@pytest.mark.parametrize("method", [each for each in METHODS if each is not Tuning.FULL])
def test_the_base_stays_and_the_result_is_read_back(
    method: Tuning, base: Path, encoded: list[Encoded], tmp_path: Path
) -> None:
    tuned = tuned_by(method, base)
    before = dict(frozen(tuned))
    start = logits(tuned.model, encoded)
    train_a_little(tuned, encoded)
    assert all(torch.equal(each, before[name]) for name, each in frozen(tuned))
    after = logits(tuned.model, encoded)
    assert (after - start).abs().max() > 1e-3, "it learnt something"
    tuned.save(tmp_path)
    fresh = base_model.load_model(base, config_of(method, base), HERE)
    assert torch.allclose(logits(with_adapter(fresh, tmp_path), encoded), after, atol=1e-5)


@pytest.mark.parametrize(
    "method",
    [each for each in METHODS if TUNING_METHODS[each].mergeable and each is not Tuning.FULL],
)
def test_merged_it_answers_alike(
    method: Tuning, base: Path, biased_base: Path, encoded: list[Encoded], tmp_path: Path
) -> None:
    folder = biased_base if method is Tuning.BITFIT else base
    tuned = tuned_by(method, folder)
    train_a_little(tuned, encoded)
    after = logits(tuned.model, encoded)
    tuned.save(tmp_path)
    fresh = base_model.load_model(folder, config_of(method, folder), HERE)
    whole = merged(fresh, tmp_path)
    assert type(whole).__name__ == "LlamaForCausalLM"
    assert torch.allclose(logits(whole, encoded), after, atol=1e-4)


def packed(encoded: list[Encoded]) -> dict[str, Any]:
    """The rows in one sequence, as TRL's collator sends them."""
    collator = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)
    return collator([{"input_ids": each.ids, "labels": each.labels} for each in encoded])


@pytest.mark.parametrize("method", METHODS)
def test_packed_is_as_separate_exactly_where_packing_is_allowed(
    method: Tuning, base: Path, encoded: list[Encoded]
) -> None:
    tuned = tuned_by(method, base)
    train_a_little(tuned, encoded, steps=1)
    batch = packed(encoded)
    tuned.model.eval()
    with torch.no_grad():
        together = tuned.model(**{n: v for n, v in batch.items() if n != "labels"}, use_cache=False)
    found = together.logits[:, -batch["input_ids"].shape[1] :, :].float()
    loss = torch.nn.functional.cross_entropy(found[0, :-1], batch["labels"][0, 1:])
    apart = completion_loss(tuned.model, encoded)
    assert (abs(loss.item() - apart.mean) < 1e-4) == TUNING_METHODS[method].packing


def test_packed_gradients_are_those_of_separate_rows(base: Path, encoded: list[Encoded]) -> None:
    tuned = tuned_by(Tuning.LORA, base, packing=True)
    assert tuned.model.config._attn_implementation == "cultivar_packed"
    batch = packed(encoded)
    labels = batch.pop("labels")
    out = tuned.model(**batch, use_cache=False).logits
    torch.nn.functional.cross_entropy(out[0, :-1], labels[0, 1:], reduction="sum").backward()
    together = {name: each.grad.clone() for name, each in tuned.trained()}
    tuned.model.zero_grad()
    for each in encoded:
        ids, wanted = torch.tensor([each.ids]), torch.tensor(each.labels)
        out = tuned.model(input_ids=ids, use_cache=False).logits
        torch.nn.functional.cross_entropy(out[0, :-1], wanted[1:], reduction="sum").backward()
    for name, parameter in tuned.trained():
        assert torch.allclose(together[name], parameter.grad, atol=1e-4), name


def test_layers_can_be_named_and_unknown_ones_are_refused(base: Path) -> None:
    few = tuned_by(Tuning.LORA, base, targets=("q_proj", "v_proj"))
    assert {name.split(".lora_")[0].rpartition(".")[2] for name, _ in few.trained()} == {
        "q_proj",
        "v_proj",
    }
    with pytest.raises(BadRun, match=r"no linear layer named w_q; it has down_proj, gate_proj"):
        tuned_by(Tuning.LORA, base, targets=("w_q",))


def test_new_biases_cannot_be_merged_and_that_is_said_first(base: Path) -> None:
    with pytest.raises(BadRun, match="no bias terms"):
        tuned_by(Tuning.BITFIT, base, merge=True)


def test_every_method_has_its_tuner() -> None:
    assert set(TUNERS) == set(TUNING_METHODS) == set(Tuning)
    assert all(dataclasses.asdict(each)["title"] for each in TUNING_METHODS.values())
