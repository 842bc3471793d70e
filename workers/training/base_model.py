"""The base model: its files, its identity, its linear layers, and the model itself."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers.pytorch_utils import Conv1D

from app.domain.training_config import TrainingConfig
from app.domain.tuning import Tuning
from app.errors import InvalidInput
from app.files.base_folder import refuse_code
from workers.training import attention
from workers.training.device import Place
from workers.training.failures import BadRun

_IDENTITY = ("config.json", "*.safetensors", "tokenizer.json", "tokenizer_config.json")


def load_config(folder: Path) -> Any:
    """The model's own configuration; raises BadRun. Code in a model's folder is never run."""
    if not (folder / "config.json").is_file():
        raise BadRun(f"{folder} holds no model: there is no config.json in it.")
    try:
        refuse_code(folder)
    except InvalidInput as error:
        raise BadRun(error.detail) from error
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except (ValueError, KeyError, OSError) as error:
        raise BadRun(f"The base model in {folder} cannot be used: {error}") from error


def load_tokenizer(folder: Path) -> Any:
    """The base's tokenizer; raises BadRun."""
    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (ValueError, KeyError, OSError) as error:
        raise BadRun(f"The tokenizer in {folder} cannot be used: {error}") from error


def load_model(folder: Path, config: TrainingConfig, place: Place) -> Any:
    """The base model on its device, in the number format that the method wants."""
    settings = load_config(folder)
    plain = config.packs and attention.suits(settings)
    if plain:
        attention.register()
    adapters_only = config.method is not Tuning.FULL
    options: dict[str, Any] = {
        "dtype": torch.bfloat16 if place.bf16 and adapters_only else torch.float32,
        "attn_implementation": attention.NAME if plain else "sdpa",
        "trust_remote_code": False,
        "use_safetensors": True,
    }
    if config.method is Tuning.QLORA:
        options["quantization_config"] = _four_bits(place)
        options["device_map"] = {"": 0}
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, **options)
    except (ValueError, OSError) as error:
        raise BadRun(f"The base model in {folder} cannot be loaded: {error}") from error
    except ImportError as error:
        raise BadRun(
            f"{config.method} needs a library that this Python has not: {error}. Run `python3 "
            "run.py trainer --cuda`, or install it where CULTIVAR_TRAIN_PYTHON points."
        ) from error
    return model if config.method is Tuning.QLORA else model.to(place.device)


def _four_bits(place: Place) -> BitsAndBytesConfig:
    """NF4 with double quantization (Dettmers et al. 2023, arXiv:2305.14314, section 3)."""
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if place.bf16 else torch.float16,
    )


def outline(folder: Path) -> Any:
    """The model without weights, to count what it is made of."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(load_config(folder))


def linear_layers(model: Any) -> Iterator[tuple[str, nn.Module]]:
    """Every linear layer but the output head, by its full name."""
    head = model.get_output_embeddings()
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | Conv1D) and module is not head:
            yield name, module


def linear_names(model: Any) -> list[str]:
    """The last words of the names of all linear layers but the head, sorted: PEFT's targets.

    A list in a fixed order, because PEFT keeps a set, and files are compared.
    """
    return sorted({name.rpartition(".")[2] for name, _ in linear_layers(model)})


def identity(folder: Path, notes: Path) -> str:
    """A sha256 of the base's files; kept in `notes`, so that files that stay are read once."""
    files = sorted({path for pattern in _IDENTITY for path in folder.glob(pattern)})
    stamps = {each.name: [each.stat().st_size, each.stat().st_mtime_ns] for each in files}
    if notes.exists():
        noted = json.loads(notes.read_bytes())
        if noted["stamps"] == stamps:
            return noted["sha256"]
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{path.name} {digest}\n".encode())
    notes.write_text(json.dumps({"stamps": stamps, "sha256": whole.hexdigest()}))
    return whole.hexdigest()
