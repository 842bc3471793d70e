"""Writes the files of an export: its rows in their format and packaging, and what lies beside."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import orjson
import yaml

from app.db import rows
from app.db.rows import ExportedRow
from app.domain.format import Format, fitting_lines
from app.domain.handoff import Layout, Manifest
from app.domain.lifecycle import ExportState, RowState
from app.domain.packaging import Container, Packaging
from app.domain.records import Row, Source
from app.domain.stored import ExportRecord
from app.domain.trainer_configs import axolotl_config, llama_factory_info
from app.files.containers import Line
from app.files.export_bundle import BundledFile, file_facts, write_bundle
from app.files.export_parts import told_when_full
from app.files.export_writer import WrittenExport, manifest_bytes, write_export
from app.files.whole_file import written_whole
from app.runtime import Runtime
from app.use_cases import held_out
from app.use_cases.export_origins import InstructionOrigins
from app.use_cases.export_rows import pages, rows_of
from app.use_cases.export_scores import RowScores
from app.use_cases.export_splits import Splits
from app.use_cases.provenance import Provenance

_COMPRESSED = {Container.JSONL_GZ, Container.PARQUET}
_COMPRESSED_SHARE = 0.25  # of the text; a guess on the low side, since it may refuse an export


def write(
    runtime: Runtime, provenance: Provenance, chosen: Format, packaging: Packaging
) -> Mapping[str, object]:
    """Write all files; returns how the export ended. Raises CultivarError if it cannot be made."""
    return _Making(runtime, provenance, chosen, packaging).go()


def card_path(runtime: Runtime, record: ExportRecord) -> Path:
    """Where the card of an export lies, or will lie."""
    return runtime.exports_directory / f"{record.id}.card.md"


class _Making:
    """One export while it is written; its counters fill as the rows go by."""

    def __init__(
        self, runtime: Runtime, provenance: Provenance, chosen: Format, packaging: Packaging
    ) -> None:
        self._runtime = runtime
        self._provenance = provenance
        self._format = chosen
        self._packaging = packaging
        self._splits = Splits(runtime, packaging)
        self._scores = RowScores.wanted(runtime, packaging, chosen)
        self._held_out: Sequence[Source] = held_out.held_out_seeds(runtime, provenance.job)
        self._left_out = Counter[str]()
        self._rows = Counter[str]()
        self._last: list[int] = []

    def go(self) -> Mapping[str, object]:
        """Write, and say what was written."""
        if self._packaging.has_splits:
            self._splits.learn(self._pages(Counter()))
        manifest = self._manifest()
        bundled = self._packaging.is_bundle(self._format)
        written, files = self._bundle(manifest) if bundled else self._single(manifest)
        card = self._card(written.rows, written.sha256, files).encode()
        with (
            told_when_full(self._runtime.exports_directory),
            written_whole(card_path(self._runtime, self._provenance.export)) as file,
        ):
            file.write(card)
        return {
            "state": ExportState.READY,
            "row_count": written.rows,
            "bytes": written.bytes,
            "sha256": written.sha256,
            "manifest": {
                **manifest,
                "rows": written.rows,
                "sha256": written.sha256,
                **({"files": list(map(file_facts, files))} if files else {}),
            },
        }

    def _manifest(self) -> Mapping[str, object]:
        """What is known before the first row, and counters that fill until the last."""
        manifest = {
            **self._provenance.manifest(),
            **self._format.facts(),
            "left_out": self._left_out,
            "rows_by_split": self._rows,
            # Place of the last row read, which tells how far into the job the file reaches.
            "last_row": self._last,
        }
        if self._packaging.has_splits:
            manifest["splits"] = self._splits.facts()
        if self._packaging.min_score is not None:
            judge = self._packaging.judge or None
            manifest["scores"] = {"at_least": self._packaging.min_score, "judge_job_id": judge}
        if self._held_out:
            manifest["held_out"] = held_out.facts(self._held_out)
        return manifest

    def _single(
        self, manifest: Mapping[str, object]
    ) -> tuple[WrittenExport, Sequence[BundledFile]]:
        written = write_export(
            self._runtime.exports_directory,
            str(self._provenance.export.id),
            (line for _, line in self._lines()),
            manifest=manifest,
            container=self._packaging.container_of(self._format),
            expected_bytes=self._expected_bytes(),
        )
        return written, ()

    def _bundle(
        self, manifest: Mapping[str, object]
    ) -> tuple[WrittenExport, Sequence[BundledFile]]:
        return write_bundle(
            self._runtime.exports_directory,
            str(self._provenance.export.id),
            self._lines(),
            container=self._packaging.container_of(self._format),
            companions=lambda files: self._companions(manifest, files),
            manifest=manifest,
            shard_bytes=self._packaging.shard_mib << 20,
            one_file=self._format.names_split,
            expected_bytes=self._expected_bytes(),
        )

    def _expected_bytes(self) -> int:
        """What will be written at least, so that a disk that is too small is found out at once."""
        job = self._provenance.job
        accepted = self._provenance.tallies.get("row", {}).get(RowState.ACCEPTED, 0)
        with self._runtime.database.transaction() as connection:
            mean = rows.mean_bytes(connection, job.id)
        packed = self._packaging.container_of(self._format) in _COMPRESSED
        share = _COMPRESSED_SHARE if packed or self._packaging.is_bundle(self._format) else 1.0
        return int(min(accepted, job.target_rows) * mean * share)

    def _lines(self) -> Iterator[tuple[str, Line]]:
        for split, line in fitting_lines(self._format, self._all_rows(), self._left_out):
            self._rows[split] += 1
            yield split, line

    def _all_rows(self) -> Iterator[Row]:
        wanted = self._format.wants_origin
        origins = InstructionOrigins(self._runtime, self._provenance.job) if wanted else None
        pages_of_rows = self._pages(self._left_out)
        made = rows_of(pages_of_rows, self._format, self._splits.of, origins, self._scores)
        return chain(made, self._held_out_rows())

    def _held_out_rows(self) -> Iterator[Row]:
        with_splits = self._packaging.is_bundle(self._format) or self._format.names_split
        if not (with_splits and self._packaging.held_out):
            return iter(())
        per_task = self._format.per_task
        return held_out.held_out_rows(self._held_out, self._left_out, per_task=per_task)

    def _pages(self, left_out: Counter[str]) -> Iterator[Sequence[ExportedRow]]:
        provenance = self._provenance
        found = pages(self._runtime, provenance.export, provenance.job.target_rows)
        return self._scores.good(self._followed(found), left_out)

    def _followed(self, found: Iterator[Sequence[ExportedRow]]) -> Iterator[Sequence[ExportedRow]]:
        """The pages, of which the place of the last row is remembered."""
        for page in found:
            self._last[:] = [page[-1].pool_seq, page[-1].position]
            yield page

    def _companions(
        self, manifest: Mapping[str, object], files: Sequence[BundledFile]
    ) -> Mapping[str, bytes]:
        """What lies beside the data files of a bundle, by name."""
        rows = sum(each.rows for each in files)
        inner: Mapping[str, object] = {
            **manifest,
            "rows": rows,
            "files": list(map(file_facts, files)),
        }
        if self._format.names_split:
            inner = self._handed(inner, files[0])
        found = {
            "README.md": self._card(rows, "", files).encode(),
            "manifest.json": manifest_bytes(inner),
        }
        shape = self._format.shape()
        if shape is None:
            return found
        paths: dict[str, list[str]] = {}
        for each in files:
            paths.setdefault(each.split, []).append(each.name)
        info = llama_factory_info(shape, "cultivar", paths)
        if info is not None:
            found["dataset_info.json"] = orjson.dumps(info, option=orjson.OPT_INDENT_2) + b"\n"
        told = yaml.safe_dump(axolotl_config(shape, paths), sort_keys=False, allow_unicode=True)
        return {**found, "axolotl.yaml": told.encode()}

    def _handed(self, told: Mapping[str, object], file: BundledFile) -> Mapping[str, object]:
        """The manifest of the one file of a handoff, as the trainer reads and checks it."""
        return Manifest(
            rows=file.rows,
            sha256=file.sha256,
            layout=Layout(str(told["layout"])),
            licence=str(told["licence"]),
            simulated=self._provenance.job.simulated,
            source={"export": told},
        ).as_json()

    def _card(self, rows: int, sha256: str, files: Sequence[BundledFile]) -> str:
        return self._provenance.card(
            rows=rows,
            sha256=sha256,
            left_out=self._left_out,
            rows_by_split=self._rows,
            paths=_paths_for_hubs(files),
            held_out=len(self._held_out),
        )


def _paths_for_hubs(files: Sequence[BundledFile]) -> Mapping[str, str]:
    """Where each split lies, in files that a hub's viewer reads by itself."""
    return {
        each.split: f"{each.split}/*"
        for each in files
        if each.split and not each.name.endswith(Container.TSV.suffix)
    }
