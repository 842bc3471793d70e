"""The report of an exported file: computed from its rows, with the rules of a job's report."""

import json
import tempfile
import zipfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from app.domain.lifecycle import call_counts
from app.domain.report import Report, funnel
from app.domain.splitting import HELD_OUT
from app.domain.texts_report import Told, report_of, spread
from app.domain.tokens import Tokens
from app.errors import InvalidInput
from app.files.checked_rows import CheckedRows
from app.files.row_files import open_rows
from app.use_cases.filter_files import task_of

_NOT_IN_ROWS = "rows do not tell; the report of the job does"
_NEEDS_MANIFEST = "rows do not tell; give the export's manifest, or its bundle"
_NEEDS_SEEDS = "rows do not tell; give the file of seeds"
_MOST_MANIFEST_BYTES = 64 << 20
_BLOCK_BYTES = 1 << 20
Text = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class FileReportWish:
    """What to report on: a file of rows or a bundle, and what stands beside it.

    `seeds` is the seed file that the job grew from, `manifest` the JSON of the export's manifest;
    `tokens` cut the texts for their likeness to seeds, as the seed set says (English: rouge).
    """

    file: Path
    seeds: Path | None = None
    manifest: Path | None = None
    tokens: Tokens = Tokens.ROUGE


def of_file(wish: FileReportWish) -> Report:
    """The report; raises InvalidInput, InvalidUpload with every bad line named, or NotText."""
    seeds = () if wish.seeds is None else [text for text, _, _ in _texts([wish.seeds])]
    with _data_files(wish.file) as (files, bundled):
        given = bundled if wish.manifest is None else _manifest(wish.manifest.read_bytes())
        count = sum(1 for _ in _texts(files))
        step = spread(count)
        texts = [each for at, each in enumerate(_texts(files)) if at % step == 0]
    told = _told(wish.file.name, given)
    if wish.seeds is None:
        told = replace(told, missing={**told.missing, "nearest_seed": _NEEDS_SEEDS})
    return report_of(told, count, texts, seeds, wish.tokens)


@contextmanager
def _data_files(
    path: Path,
) -> Generator[tuple[Sequence[Path], Mapping[str, Any] | None]]:
    """The files of rows, and the manifest where they came in a bundle with one."""
    if not zipfile.is_zipfile(path):
        yield [path], None
        return
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
        if "manifest.json" not in archive.namelist():
            raise InvalidInput(f"{path} is a zip without a manifest.json, so no bundle of ours.")
        manifest = _manifest(_read(archive, "manifest.json"))
        told = manifest.get("source", {}).get("export", manifest)
        files = [
            _unpacked(archive, str(each["name"]), Path(folder) / f"{at}-{Path(each['name']).name}")
            for at, each in enumerate(told.get("files", ()))
            if each.get("split") != HELD_OUT
        ]
        yield files, told


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member that must be small, whatever its head says of its size."""
    with archive.open(name) as member:
        found = member.read(_MOST_MANIFEST_BYTES + 1)
    if len(found) > _MOST_MANIFEST_BYTES:
        raise InvalidInput(f"{name} in the bundle is larger than any manifest of ours.")
    return found


def _unpacked(archive: zipfile.ZipFile, name: str, target: Path) -> Path:
    try:
        with archive.open(name) as member, target.open("wb") as file:
            while block := member.read(_BLOCK_BYTES):
                file.write(block)
    except KeyError as error:
        raise InvalidInput(f"The manifest names {name}, which the bundle does not hold.") from error
    return target


def _manifest(raw: bytes) -> Mapping[str, Any]:
    try:
        found: object = json.loads(raw)
    except ValueError as error:
        raise InvalidInput("The manifest is not JSON.") from error
    if not isinstance(found, dict):
        raise InvalidInput("The manifest must be a JSON object.")
    manifest = cast("dict[str, Any]", found)
    # An export as REST shows it holds its manifest as one member.
    inner = manifest.get("manifest")
    return cast("dict[str, Any]", inner) if isinstance(inner, dict) else manifest


def _texts(files: Sequence[Path]) -> Iterator[Text]:
    for path in files:
        with open_rows(path) as file:
            rows = CheckedRows(file, task_of)
            for _, (instruction, instances) in rows:
                for each in instances:
                    yield instruction, each.input, each.output
            rows.done()


def _told(name: str, manifest: Mapping[str, Any] | None) -> Told:
    missing = {"saturation": _NOT_IN_ROWS, "cost": _NOT_IN_ROWS}
    if manifest is None:
        unknown = dict.fromkeys(("method", "simulated", "funnel", "drops"), _NEEDS_MANIFEST)
        return Told(name, missing={**unknown, **missing})
    try:
        job, counts = manifest["job"], manifest["counts"]
        return Told(
            job=str(job["name"]),
            method=f"{job['method']}, profile {job['profile']}",
            simulated=bool(manifest["simulated"]),
            funnel=funnel(
                call_counts(counts.get("slot", {})),
                counts.get("candidate", {}),
                counts.get("row", {}),
            ),
            drops=counts.get("drop", {}),
            missing=missing,
        )
    except (KeyError, TypeError, AttributeError) as error:
        detail = "The manifest is none of an export of ours: it lacks job, counts or simulated."
        raise InvalidInput(detail) from error
