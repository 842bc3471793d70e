"""The folder that the trainer takes: settings, data and a manifest, complete or not there."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import orjson

from app.domain.handoff import CONFIG, DATA, MANIFEST, Manifest
from app.errors import InvalidInput


def claim_folder(folder: Path) -> None:
    """Make the folder, or take an empty one; raises InvalidInput where something lies already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InvalidInput(f"{folder} is not empty; name another folder, or give --resume.")
    except OSError as error:
        raise InvalidInput(f"cannot use {folder}: {error.strerror}") from error


def write_data(folder: Path, rows: Iterable[Mapping[str, object]]) -> tuple[int, str]:
    """Write the data file under its name when all of it is there; its rows and its sha256."""
    digest, count, passing = hashlib.sha256(), 0, folder / f".{DATA}.part"
    with passing.open("wb") as file:
        for row in rows:
            line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
            digest.update(line)
            file.write(line)
            count += 1
        file.flush()
        os.fsync(file.fileno())
    passing.replace(folder / DATA)
    return count, digest.hexdigest()


def write_manifest(folder: Path, manifest: Manifest, settings: Mapping[str, object]) -> None:
    """Write the settings, and last the manifest: where it is, the folder is complete."""
    _write_json(folder / CONFIG, settings)
    _write_json(folder / MANIFEST, manifest.as_json())


def is_complete(folder: Path) -> bool:
    """Tell whether a folder was handed over whole."""
    return (folder / MANIFEST).is_file()


def _write_json(path: Path, members: Mapping[str, object]) -> None:
    passing = path.with_name(f".{path.name}.part")
    passing.write_text(json.dumps(members, indent=2, ensure_ascii=False, default=str) + "\n")
    passing.replace(path)
