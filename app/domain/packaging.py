"""How the lines of an export are packed: in which files, in which splits, with what beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from app.domain.format import Format
from app.domain.options import option, parse_options
from app.errors import Problem

MOST_APART = 0.9


class Container(StrEnum):
    """The kinds of file that hold lines; a value with a dot before it is the file's suffix."""

    JSONL = "jsonl"
    JSONL_GZ = "jsonl.gz"
    JSON = "json"
    TSV = "tsv"
    PARQUET = "parquet"

    @property
    def suffix(self) -> str:
        return f".{self}"


class SplitBy(StrEnum):
    """What must not stand on both sides of a split: seeds, or instructions only."""

    SEEDS = "seeds"
    INSTRUCTION = "instruction"


@dataclass(frozen=True, kw_only=True)
class Packaging:
    """What may be said of any export beside its format."""

    container: Container | None = option(
        None, "the kind of file; the format's own unless it is given"
    )
    validation: float = option(
        0.0, "share of the rows in the split `validation`", minimum=0.0, maximum=MOST_APART
    )
    test: float = option(
        0.0, "share of the rows in the split `test`", minimum=0.0, maximum=MOST_APART
    )
    split_by: SplitBy = option(
        SplitBy.SEEDS,
        "seeds: rows whose prompts showed a common seed, be it through others, stay in one split; "
        "instruction: only rows of one instruction do",
    )
    split_seed: int = option(0, "decides which clusters are set apart", minimum=0)
    held_out: bool = option(
        True, "in a bundle or handoff, add the seeds held out from the teacher as a split"
    )
    shard_mib: int = option(
        0, "begin a new file before one passes so many MiB (as lines); 0: one file", minimum=0
    )
    min_score: float | None = option(
        None, "leave out rows that a judge scored lower, and those that none scored"
    )
    judge: str = option("", "the judging job whose scores count; empty is the newest of each row")
    bundle: bool = option(
        False,
        "one zip with card, manifest and configurations for trainers; splits by files and shards "
        "always come so",
    )

    @property
    def judge_job_id(self) -> UUID | None:
        """The judging job that was named; None is the newest of each row."""
        return UUID(self.judge) if self.judge else None

    @property
    def has_splits(self) -> bool:
        return self.validation > 0 or self.test > 0

    def container_of(self, chosen: Format) -> Container:
        """The kind of file that the lines of this format go into."""
        return self.container or Container(chosen.file_suffix.removeprefix("."))

    def is_bundle(self, chosen: Format) -> bool:
        """Whether the export is a zip of several files instead of one file."""
        by_files = self.has_splits and not chosen.names_split
        return self.bundle or by_files or self.shard_mib > 0

    def suffix(self, chosen: Format) -> str:
        """The suffix of the one file that the export is."""
        return ".zip" if self.is_bundle(chosen) else self.container_of(chosen).suffix


def parse_packaging(
    given: Mapping[str, object], chosen: Format, *, pointer: str = "/packaging"
) -> tuple[Packaging | None, tuple[Problem, ...]]:
    """The packaging, or everything that is wrong with it for this format."""
    found, problems = parse_options(Packaging, given, pointer=pointer)
    if found is None:
        return None, problems
    problems = tuple(_misfits(found, chosen, pointer))
    return (None, problems) if problems else (found, ())


def _misfits(packaging: Packaging, chosen: Format, pointer: str) -> list[Problem]:
    problems: list[Problem] = []
    container, own = packaging.container_of(chosen), Packaging().container_of(chosen)
    if container is not own and Container.TSV in (container, own):
        known = "tsv" if own is Container.TSV else "jsonl, jsonl.gz, json and parquet"
        text = f"the format {chosen.name} can be written as {known} only"
        problems.append(Problem(f"{pointer}/container", "unfit_container", text))
    if container is Container.PARQUET and not chosen.fixed_columns:
        text = f"the lines of the format {chosen.name} have no fixed columns; take jsonl"
        problems.append(Problem(f"{pointer}/container", "unfit_container", text))
    if chosen.names_split and packaging.shard_mib:
        text = f"the format {chosen.name} is one file; take shard_mib=0"
        problems.append(Problem(f"{pointer}/shard_mib", "unfit_shards", text))
    if packaging.judge and not _is_id(packaging.judge):
        problems.append(Problem(f"{pointer}/judge", "wrong_type", "must be the id of a job"))
    if packaging.validation + packaging.test > MOST_APART:
        text = f"validation and test together may be {MOST_APART} at most"
        problems.append(Problem(f"{pointer}/test", "out_of_range", text))
    return problems


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
