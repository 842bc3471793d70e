"""The folder of a base model, looked through before it is loaded: no code, no pickles."""

import json
from pathlib import Path

from app.errors import InvalidInput

# Members by which a model's files have had code run (CVE-2026-4372 and its kin).
_CODE = {"auto_map", "_attn_implementation_internal", "trust_remote_code", "kernels"}
_SETTINGS = ("config.json", "tokenizer_config.json")


def refuse_code(folder: Path) -> None:
    """Raise InvalidInput for a base that asks for code of its own, or whose weights are pickles."""
    for name in _SETTINGS:
        path = folder / name
        asked = sorted(_CODE & _members(path)) if path.is_file() else []
        if asked:
            raise InvalidInput(
                f"{folder.name}/{name} asks for code that is never run: {', '.join(asked)}."
            )
    if not any(folder.glob("*.safetensors")) and any(folder.glob("*.bin")):
        raise InvalidInput(f"{folder.name} holds its weights as pickles; save them as safetensors.")


def _members(path: Path) -> set[str]:
    try:
        return set(json.loads(path.read_bytes()))
    except (ValueError, RecursionError, TypeError, OSError) as error:
        raise InvalidInput(f"{path.parent.name}/{path.name} is no JSON object: {error}") from error
