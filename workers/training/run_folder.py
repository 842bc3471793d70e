"""A run's folder: where everything lies, and what was handed over, checked before it is used."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.handoff import CONFIG, DATA, MANIFEST, HandoffRow, Manifest, read_manifest, read_row
from app.domain.training_config import TrainingConfig, read_config
from app.errors import InvalidInput
from workers.training.failures import BadRun


@dataclass(frozen=True)
class Run:
    """The folder, the settings and the manifest; the data file has the sha256 of the manifest."""

    folder: Path
    config: TrainingConfig
    manifest: Manifest

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    def rows(self) -> Iterator[HandoffRow]:
        """Every row of the data file; raises BadRun that names the line at fault."""
        count = 0
        with (self.folder / DATA).open("rb") as lines:
            for count, line in enumerate(lines, 1):
                yield self._row(line, count)
        if count != self.manifest.rows:
            raise BadRun(f"{DATA} holds {count} rows, its manifest says {self.manifest.rows}.")

    def _row(self, line: bytes, number: int) -> HandoffRow:
        try:
            return read_row(json.loads(line), self.manifest.layout)
        except (ValueError, AttributeError) as error:
            raise BadRun(f"{DATA}, line {number}: not a JSON object ({error}).") from error
        except InvalidInput as error:
            raise BadRun(f"{DATA}, line {number}: {error.problems[0].detail}.") from error


def open_run(folder: Path) -> Run:
    """Read settings and manifest and check the data's sha256; raises BadRun or InvalidInput."""
    manifest = read_manifest(read_json(folder / MANIFEST))
    config = read_config(read_json(folder / CONFIG))
    with _opened(folder / DATA) as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != manifest.sha256:
        raise BadRun(
            f"{DATA} has the sha256 {found}, its manifest says {manifest.sha256}: it was changed "
            "or cut short on the way. Hand it over again."
        )
    return Run(folder, config, manifest)


def read_json(path: Path) -> Any:
    """The value in a JSON file; raises BadRun."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise BadRun(f"cannot read {path.name}: {error.strerror}") from error
    except ValueError as error:
        raise BadRun(f"{path.name} is not JSON: {error}") from error


def write_json(path: Path, members: object) -> None:
    """Write a JSON file so that a reader sees the old one or the new one, never half of it."""
    passing = path.with_name(f".{path.name}.part")
    with passing.open("w", encoding="utf-8") as file:
        json.dump(members, file, indent=2, ensure_ascii=False, default=str)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    passing.replace(path)


def _opened(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as error:
        raise BadRun(f"cannot read {path.name}: {error.strerror}") from error
