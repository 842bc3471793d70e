"""Row 5 of the security table: a base model that brings code or pickles is refused, unread."""

import json
from pathlib import Path

import pytest

from app.errors import InvalidInput
from app.files.base_folder import refuse_code

CONFIG = {"model_type": "llama", "hidden_size": 8}


@pytest.mark.parametrize(
    "member", ["auto_map", "_attn_implementation_internal", "trust_remote_code", "kernels"]
)
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_of_a_base_is_refused(tmp_path: Path, member: str, name: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "model.safetensors").write_bytes(b"")
    refuse_code(tmp_path)
    (tmp_path / name).write_text(json.dumps({**CONFIG, member: {"AutoConfig": "evil.Config"}}))
    with pytest.raises(InvalidInput, match=member):
        refuse_code(tmp_path)


def test_weights_that_are_pickles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(InvalidInput, match="safetensors"):
        refuse_code(tmp_path)


@pytest.mark.parametrize("content", ["{", "5", "\xff"])
def test_settings_that_are_no_json_are_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(InvalidInput, match="no JSON"):
        refuse_code(tmp_path)
