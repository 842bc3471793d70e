"""Exports of a job that was really grown: origins, splits, held-out seeds, bundles."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import datasets
import pytest
import yaml
from huggingface_hub import DatasetCard

from app.domain import texts_report
from app.domain.handoff import Layout, read_manifest, read_row
from app.domain.lifecycle import ExportState
from app.domain.seed_rows import parse_seed
from app.domain.stored import ExportRecord, Job, RowRecord
from app.errors import InvalidInput
from app.runtime import Runtime
from app.use_cases import exports, jobs, reports, rows, seed_sets
from app.use_cases.file_reports import FileReportWish, of_file
from tests.demo_teacher_process import start_demo_teacher
from tests.driving import SEEDS, Driver, add_teacher, running_driver, running_runtime
from tests.servers import TestPostgres
from tests.small_disk import fill

SHARE = 0.2


@dataclass(frozen=True)
class Grown:
    """A finished job of Self-Instruct with seeds held out, and its accepted rows."""

    runtime: Runtime
    job: Job
    rows: list[RowRecord]

    def export(
        self, kind: str, packaging: Mapping[str, object] | None = None, **options: object
    ) -> tuple[ExportRecord, Path]:
        record = exports.request(self.runtime, self.job.id, kind, options, packaging)
        exports.make(self.runtime, record.id)
        return exports.file(self.runtime, record.id)


@pytest.fixture(scope="module")
def garden(
    postgres_server: TestPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["Garden"]:
    name = f"cultivar_test_{uuid4().hex}"
    url = postgres_server.create(name, template_database)
    with (
        running_runtime(url, tmp_path_factory.mktemp("home")) as runtime,
        running_driver(runtime) as driver,
        start_demo_teacher(latency_s=0.0, seed=7) as teacher,
    ):
        teacher_id = add_teacher(runtime, teacher.base_url).id
        yield Garden(runtime, driver, teacher_id)
    postgres_server.drop(name)


@dataclass(frozen=True)
class Garden:
    """Where jobs are grown."""

    runtime: Runtime
    driver: Driver
    teacher_id: UUID

    def grow(self, target_rows: int, **options: object) -> Grown:
        details = seed_sets.SeedSetDetails("seeds", licence="CC0-1.0", language="en")
        seed_set = seed_sets.add(self.runtime, details, [SEEDS.read_bytes()]).seed_set
        asked = jobs.JobDetails(seed_set.id, self.teacher_id, target_rows, options=options)
        job = jobs.submit(self.runtime, asked)
        assert self.driver.finish(job.id).reason == "target_reached"
        found = rows.page(self.runtime, job.id, limit=target_rows).items
        return Grown(self.runtime, jobs.get(self.runtime, job.id), list(found))


@pytest.fixture(scope="module")
def grown(garden: Garden) -> Grown:
    return garden.grow(25, held_out_share=SHARE)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def in_zip(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def test_a_held_out_seed_is_in_no_prompt_and_like_no_row(grown: Grown) -> None:
    record, path = grown.export("seed_tasks", {"bundle": True})
    held_out = in_zip(path, "held_out/part-00000.jsonl").decode().split("\n")[:-1]
    instructions = {json.loads(line)["instruction"] for line in held_out}
    every = {json.loads(line)["instruction"] for line in SEEDS.read_text().splitlines()}
    assert len(instructions) == round(SHARE * len(every))
    assert instructions < every
    shown: set[str] = set()
    for row in grown.rows:
        lineage = rows.lineage(grown.runtime, row.id)
        assert lineage.propose is not None
        prompt = str(lineage.propose.prompt["text"])
        assert not any(each in prompt for each in instructions)
        shown |= {each for each in every if each in prompt}
    assert shown
    assert record.manifest is not None
    assert record.manifest["held_out"]["seeds"] >= len(instructions)  # pyright: ignore[reportIndexIssue]
    assert record.manifest["rows_by_split"]["held_out"] == len(held_out)  # pyright: ignore[reportIndexIssue]


def test_instructions_with_their_prompts_replay_to_the_same_scores(grown: Grown) -> None:
    _, path = grown.export("self_instruct_instructions")
    found = lines(path)
    assert [each["instruction"] for each in found] == list(
        dict.fromkeys(row.instruction for row in grown.rows)
    )
    for each in found:
        scores = list(each["most_similar"].values())
        assert len(scores) == 10
        assert scores == sorted(scores, reverse=True)
        assert 0 < each["avg_similarity_score"] < scores[0] <= 0.7
        [choice] = each["metadata"]["response"]["choices"]
        assert each["instruction"].rstrip(".").casefold() in choice["text"].casefold()
        assert each["metadata"]["prompt"].rstrip().endswith(".")
    # What admission had found nearest is the first that the export names.
    nearest = {
        each.instruction: rows.lineage(grown.runtime, each.id).nearest_score for each in grown.rows
    }
    assert [next(iter(each["most_similar"].values())) for each in found] == [
        nearest[each["instruction"]] for each in found
    ]


def test_regen_is_one_list_with_its_neighbours(grown: Grown) -> None:
    record, path = grown.export("regen")
    found = json.loads(path.read_bytes())
    assert len(found) == record.row_count == 25
    assert all(len(each["most_similar_instructions"]) == 10 for each in found)


def test_seed_tasks_gather_the_instances_of_an_instruction(grown: Grown) -> None:
    _, path = grown.export("seed_tasks")
    found = lines(path)
    assert sum(len(each["instances"]) for each in found) == 25
    assert len(found) == len({row.instruction for row in grown.rows})
    for line in found:
        seed, problems = parse_seed(line)
        assert problems == ()
        assert seed is not None


def shown_to(grown: Grown) -> Mapping[UUID, set[str]]:
    """By candidate, the seeds that its prompt showed, and those behind the rows it showed."""
    direct = {
        each.candidate_id: [(str(s["kind"]), str(s["id"])) for s in sources]
        for each in grown.rows
        if (sources := rows.lineage(grown.runtime, each.id).sources) is not None
    }

    def behind(candidate_id: UUID) -> set[str]:
        found: set[str] = set()
        for kind, key in direct.get(candidate_id, ()):
            found |= {key} if kind == "seed" else behind(UUID(key)) | {key}
        return found

    return {key: behind(key) for key in direct}


def test_no_seed_stands_on_both_sides_be_it_through_rows_that_were_shown(garden: Garden) -> None:
    rounds = {"order": "strict", "round_size": 8}
    loose = garden.grow(90, instructions_shown=2, machine_instructions=1, **rounds)
    packaging = {"validation": 0.4, "test": 0.2}
    record, path = loose.export("alpaca_jsonl", packaging, with_id=True)
    split_of = {
        json.loads(line)["id"]: split
        for split in ("train", "validation", "test")
        for line in in_zip(path, f"{split}/part-00000.jsonl").split(b"\n")[:-1]
    }
    shown = shown_to(loose)
    seeds: dict[str, set[str]] = {"train": set(), "validation": set(), "test": set()}
    for row in loose.rows:
        seeds[split_of[str(row.id)]] |= shown[row.candidate_id]
    assert max(map(len, shown.values())) > 2, "no row grew from another"
    assert all(seeds.values())
    assert not seeds["train"] & (seeds["validation"] | seeds["test"])
    assert not seeds["validation"] & seeds["test"]
    assert record.manifest is not None
    assert sum(cast("Any", record.manifest["splits"])["clusters"].values()) > 2


def test_a_split_that_would_be_empty_fails_and_says_what_to_do(grown: Grown) -> None:
    record = exports.request(grown.runtime, grown.job.id, "alpaca", {}, {"validation": 0.01})
    exports.make(grown.runtime, record.id)
    failed = exports.get(grown.runtime, record.id)
    assert failed.state is ExportState.FAILED
    assert failed.error is not None
    assert "no cluster of rows is small enough for 0.01 of 25 rows" in failed.error
    assert "split_by=instruction" in failed.error


BY_INSTRUCTION = {"validation": 0.2, "test": 0.2, "split_by": "instruction"}


def test_a_bundle_is_read_by_a_dataset_library_as_it_is(grown: Grown, tmp_path: Path) -> None:
    record, path = grown.export("alpaca_jsonl", BY_INSTRUCTION)
    again, other = grown.export("alpaca_jsonl", BY_INSTRUCTION)
    assert record.sha256 == again.sha256
    assert path.read_bytes() == other.read_bytes()
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "set")
    loaded = cast(
        "Mapping[str, Any]",
        datasets.load_dataset(str(tmp_path / "set"), cache_dir=str(tmp_path / "cache")),
    )
    assert record.manifest is not None
    counts = {split: len(loaded[split]) for split in loaded}
    assert counts == record.manifest["rows_by_split"]
    assert set(counts) == {"train", "validation", "test", "held_out"}
    apart = [{each["instruction"] for each in loaded[split]} for split in loaded]
    assert not set.intersection(*apart)
    made = [row for split in ("train", "validation", "test") for row in loaded[split]]
    assert sorted(each["output"] for each in made) == sorted(row.output for row in grown.rows)
    info = json.loads((tmp_path / "set" / "dataset_info.json").read_text())
    assert all((tmp_path / "set" / each["file_name"]).is_dir() for each in info.values())
    config = yaml.safe_load((tmp_path / "set" / "axolotl.yaml").read_text())
    assert (tmp_path / "set" / config["test_datasets"][0]["path"]).exists()
    card = DatasetCard((tmp_path / "set" / "README.md").read_text())
    assert card.data.to_dict()["license"] == "other"
    assert "SIMULATED" in card.text


def test_another_seed_sets_other_rows_apart(grown: Grown) -> None:
    first, _ = grown.export("alpaca", BY_INSTRUCTION)
    second, _ = grown.export("alpaca", {**BY_INSTRUCTION, "split_seed": 1})
    assert first.sha256 != second.sha256


def test_a_handoff_names_the_split_in_each_row(grown: Grown, tmp_path: Path) -> None:
    record, path = grown.export("handoff", BY_INSTRUCTION)
    found = lines(path)
    assert {each["split"] for each in found} == {"train", "held_out", "seeds"}
    assert all(read_row(each, Layout.TEXT).completion for each in found)
    _, packed = grown.export("handoff", {**BY_INSTRUCTION, "bundle": True})
    assert in_zip(packed, "data.jsonl") == path.read_bytes()
    manifest = read_manifest(json.loads(in_zip(packed, "manifest.json")))
    assert (manifest.sha256, manifest.rows) == (record.sha256, len(found))
    assert (manifest.layout, manifest.simulated) == (Layout.TEXT, True)
    assert manifest.licence.startswith("seeds: CC0-1.0")


def test_parquet_holds_the_same_rows(grown: Grown, tmp_path: Path) -> None:
    _, path = grown.export("chat_messages", {"container": "parquet"})
    _, plain = grown.export("chat_messages")
    loaded = datasets.load_dataset(
        "parquet", data_files=str(path), split="train", cache_dir=str(tmp_path)
    )
    assert list(cast("Iterator[Any]", loaded)) == lines(plain)


def test_rows_that_do_not_fit_are_counted_on_card_and_manifest(grown: Grown) -> None:
    record, path = grown.export("flan_cot")
    assert record.manifest is not None
    left_out = cast("dict[str, int]", record.manifest["left_out"])
    assert sum(left_out.values()) + path.read_bytes().count(b"\n") == 25
    assert left_out["no_reasoning_before_an_answer"] > 0
    assert "| no\\_reasoning" in exports.card(grown.runtime, record.id) or (
        "no_reasoning_before_an_answer" in exports.card(grown.runtime, record.id)
    )


def test_bad_packaging_is_refused_at_once(grown: Grown) -> None:
    with pytest.raises(InvalidInput) as raised:
        exports.request(grown.runtime, grown.job.id, "moss", {"x": 1}, {"shards": 3})
    assert [each.pointer for each in raised.value.problems] == ["/options/x", "/packaging/shards"]


def test_a_single_seed_cannot_be_held_out(grown: Grown) -> None:
    line = b'{"instruction": "Name a tree that stands in the rain."}\n'
    details = seed_sets.SeedSetDetails("one")
    seed_set = seed_sets.add(grown.runtime, details, [line]).seed_set
    asked = jobs.JobDetails(
        seed_set.id, UUID(str(grown.job.teacher_id)), 5, options={"held_out_share": 0.5}
    )
    with pytest.raises(InvalidInput) as raised:
        jobs.submit(grown.runtime, asked)
    assert [each.pointer for each in raised.value.problems] == ["/options/held_out_share"]


def test_the_report_counts_what_the_rows_say(grown: Grown) -> None:
    report = reports.of_job(grown.runtime, grown.job.id)
    accepted = rows.page(grown.runtime, grown.job.id, limit=500).items
    steps = {each.name: each.count for each in report.funnel}
    dataset = min(len(accepted), grown.job.target_rows)
    assert report.rows == report.rows_read == dataset
    assert steps["rows accepted"] == len(accepted)
    candidates = jobs.page_candidates(grown.runtime, grown.job.id, limit=1000).items
    assert sum(each.candidates for each in report.saturation) == len(candidates)
    assert sum(each.novel for each in report.saturation) == steps["instructions new"]
    assert report.saturation[-1].calls == grown.job.next_propose
    assert report.cost[-1].micro_usd == grown.job.spent_micro_usd
    assert report.cost[-1].rows == len(accepted)
    assert sum(report.nearest_seed.counts) == sum(report.languages.values()) == dataset
    # No row is above the threshold to any seed.
    assert sum(report.nearest_seed.counts[15:]) == 0
    assert report.verbs
    assert report.simulated


def test_a_report_reads_rows_evenly_spread(grown: Grown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts_report, "ROWS_READ", 10)
    report = reports.of_job(grown.runtime, grown.job.id)
    assert 5 <= report.rows_read <= 10
    assert report.rows >= 25


OF_ROWS = (
    "rows", "rows_read", "nearest_seed", "lengths", "verbs", "rows_with_verb", "languages",
    "topics", "rows_with_topic",
)  # fmt: skip
OF_THE_MANIFEST = ("job", "method", "simulated", "funnel", "drops")


@pytest.mark.parametrize("kind", ["alpaca_jsonl", "self_instruct_triples", "alpaca", "seed_tasks"])
def test_a_report_is_computed_again_from_the_export(grown: Grown, kind: str) -> None:
    report = reports.of_job(grown.runtime, grown.job.id)
    _, path = grown.export(kind)
    again = of_file(FileReportWish(path, seeds=SEEDS))
    assert report.topics
    for name in OF_ROWS:
        assert getattr(again, name) == getattr(report, name), name
    assert set(again.missing) == {"method", "simulated", "funnel", "drops", "saturation", "cost"}


def test_a_bundle_tells_funnel_and_drops_too(
    grown: Grown, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    report = reports.of_job(grown.runtime, grown.job.id)
    record, path = grown.export("alpaca_jsonl", {"bundle": True, "container": "parquet"})
    again = of_file(FileReportWish(path, seeds=SEEDS))
    for name in (*OF_ROWS, *OF_THE_MANIFEST):
        assert getattr(again, name) == getattr(report, name), name
    assert set(again.missing) == {"saturation", "cost"}
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"id": "x", "manifest": record.manifest}))
    _, plain = grown.export("alpaca_jsonl")
    told = of_file(FileReportWish(plain, manifest=manifest))
    assert (told.funnel, told.drops) == (report.funnel, report.drops)
    assert set(told.missing) == {"saturation", "cost", "nearest_seed"}
    monkeypatch.setattr(texts_report, "ROWS_READ", 10)
    some = of_file(FileReportWish(plain, seeds=SEEDS))
    assert some.rows_read < some.rows
    assert some.languages == reports.of_job(grown.runtime, grown.job.id).languages
    manifest.write_text("[]")
    with pytest.raises(InvalidInput, match="must be a JSON object"):
        of_file(FileReportWish(plain, manifest=manifest))


def test_a_full_disk_fails_the_export_alone_and_room_mends_it(
    grown: Grown, tmp_path: Path, small_disk: Path
) -> None:
    """Too small for what is known, then for what is not: the card, and a bundle's work files."""
    earlier = grown.export("alpaca_jsonl")[1].read_bytes()
    settings = grown.runtime.settings.model_copy(update={"home": small_disk})
    small = replace(grown, runtime=replace(grown.runtime, settings=settings))
    seen: set[str] = set()
    for free in (*range(0, 72_000, 4_000), 100_000):
        ballast = fill(small_disk, leaving=free)
        for packaging in ({}, {"bundle": True}):
            record = exports.request(small.runtime, grown.job.id, "alpaca_jsonl", {}, packaging)
            exports.make(small.runtime, record.id)
            made = exports.get(small.runtime, record.id)
            if made.state is ExportState.READY:
                seen.add("room")
                exports.delete(small.runtime, record.id)
                continue
            assert made.error_code == "insufficient_storage"
            assert "bytes free" in (made.error or "")
            seen.add("known" if "are needed" in (made.error or "") else "found out")
            assert not list(small.runtime.exports_directory.glob(f"*{record.id}*"))
        ballast.unlink()
    assert seen == {"known", "found out", "room"}
    assert small.export("alpaca_jsonl")[1].read_bytes() == earlier
