"""Handoff folders for tests, written by hand: the trainer knows nothing but files."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.domain.handoff import Layout, Manifest

COLOURS = ("red", "blue", "green")


def rows(count: int, *, held_out: int = 0) -> list[dict[str, Any]]:
    """Small rows of different lengths, the last ones held out."""
    made = [
        {
            "prompt": f"name {'the ' * (number % 5)}colours {number}\n",
            "completion": " and ".join([COLOURS[number % 3]] * (1 + number % 4)),
            "id": str(number),
            "split": "train",
        }
        for number in range(count + held_out)
    ]
    for row in made[count:]:
        row["split"] = "held_out"
    return made


def hand_over(
    folder: Path,
    base: Path,
    given: Sequence[Mapping[str, Any]],
    *,
    layout: Layout = Layout.TEXT,
    simulated: bool = False,
    **settings: Any,
) -> Path:
    """Write the folder of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    data = "".join(json.dumps(row) + "\n" for row in given).encode()
    (folder / "data.jsonl").write_bytes(data)
    manifest = Manifest(
        rows=len(given),
        sha256=hashlib.sha256(data).hexdigest(),
        layout=layout,
        licence="CC0-1.0",
        simulated=simulated,
        source={"export": {"seed_set": {"name": "garden"}}},
    )
    (folder / "manifest.json").write_text(json.dumps(manifest.as_json()))
    config = {"base_model": str(base), "device": "cpu", "threads": 1, **settings}
    (folder / "config.json").write_text(json.dumps(config))
    return folder
