"""`cultivar jobs`, `rows` and `exports`: submitted, followed, steered, looked into, exported."""

import gzip
import json
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.db import counts
from app.db.counts import Tally
from app.runtime import Runtime
from app.use_cases import exports
from tests.api.stored_job import (
    stored_batch,
    stored_job,
    stored_seed_set,
    stored_teacher,
    submitted_job,
)
from tests.cli.running import CommandLine


@pytest.fixture
def submit(runtime: Runtime) -> list[str]:
    """The words that submit a job of ten rows."""
    stored_seed_set(runtime)
    stored_teacher(runtime)
    return ["jobs", "submit", "--seed-set", "garden", "--teacher", "gardener", "--rows", "10"]


def test_submit_and_show(cultivar: CommandLine, submit: list[str]) -> None:
    words = ["--option", "round_size=3", "--budget-usd", "2.50", "--random-seed", "7"]
    job = cultivar(*submit, *words, "--json").json()
    assert (job["cap_micro_usd"], job["random_seed"], job["target_rows"]) == (2_500_000, 7, 10)
    assert job["options"]["round_size"] == 3
    shown = cultivar("jobs", "show", job["id"], "--json").json()
    assert shown["progress"]["job"]["state"] == "queued"
    assert shown["events"][0]["to_state"] == "queued"
    assert "$2.5000" in cultivar("jobs", "show", job["id"]).text
    assert job["id"] in cultivar("jobs", "list").text
    assert cultivar("jobs", "list", "--state", "failed", "--json").json()["items"] == []


def test_show_warns_of_replies_that_are_cut_off(cultivar: CommandLine, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    with runtime.database.transaction() as connection:
        counts.add(connection, job.id, Tally({("reply", "cut"): 20, ("slot", "done"): 30}))
    assert "warning: 20 of 30 replies" in cultivar("jobs", "show", job.id).text
    shown = cultivar("jobs", "show", job.id, "--json").json()
    assert shown["warnings"][0]["code"] == "replies_cut"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--option", "rond_size=3"], "did you mean round_size?"),
        (["--option", "threshold=2"], "threshold: must be from 0.3 to 1"),
        (["--option", "threshold"], "'threshold' is not name=value"),
        (["--profile", "papre"], "did you mean paper?"),
        (["--max-calls", "0"], "--max-calls"),
        (["--budget-usd", "-1"], "--budget-usd"),
    ],
)
def test_wrong_settings(
    cultivar: CommandLine, submit: list[str], words: list[str], told: str
) -> None:
    ran = cultivar(*submit, *words)
    assert ran.status == 2
    assert told in ran.errors
    assert cultivar("jobs", "list", "--json").json()["items"] == []


def test_own_prompts(cultivar: CommandLine, submit: list[str], tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    ours = cultivar("methods", "prompt", "self_instruct", "propose", "--language", "zh").text
    assert "{{tasks}}" in ours
    mine.write_text(f"请再写一些任务。\n{ours}", encoding="utf-8")
    words = ["--prompt", f"propose={mine}", "--json"]
    job = cultivar(*submit, *words).json()
    assert job["prompts"] == {"propose": f"请再写一些任务。\n{ours}".removesuffix("\n")}
    told = {each["name"]: each for each in cultivar("jobs", "prompts", job["id"], "--json").json()}
    assert (told["propose"]["own"], told["classify"]["own"]) == (True, False)
    assert told["propose"]["version"] in cultivar("jobs", "show", job["id"]).text
    assert "its own" in cultivar("jobs", "prompts", job["id"]).text
    estimate = [*submit]
    estimate[1] = "estimate"
    assert cultivar(*estimate, "--option", "language=zh", *words).json()["estimate"]


@pytest.mark.parametrize(
    ("given", "text", "told"),
    [
        ("propos={}", "{{tasks}}", "did you mean propose?"),
        ("propose={}", "Go on.", "{{tasks}} must be in it"),
        ("propose={}", "{{tasks}} {{tusks}}", "{{tusks}} is no placeholder"),
        ("propose={}", "{{tasks}}" + "x" * 20_000, "at most 20,000 characters"),
        ("propose={}", "x" * 80_001, "has more than 80,000 bytes"),
        ("propose={}.none", "", "cannot be read: No such file"),
        ("propose={}", b"\xff", "it is not UTF-8"),
        ("{}", "", "is not STEP=FILE"),
    ],
)
def test_wrong_prompts(
    cultivar: CommandLine,
    submit: list[str],
    tmp_path: Path,
    given: str,
    text: str | bytes,
    told: str,
) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_bytes(text if isinstance(text, bytes) else text.encode())
    for verb in ("submit", "estimate"):
        ran = cultivar("jobs", verb, *submit[2:], "--prompt", given.format(mine))
        assert (ran.status, told in ran.errors) == (2, True), ran.errors


def test_unknown_names(cultivar: CommandLine, submit: list[str]) -> None:
    assert cultivar(*submit, "--teacher", "nobody").status == 1
    assert cultivar(*submit, "--method", "nonsense").status == 1
    assert cultivar("jobs", "show", uuid4()).status == 1


def test_a_random_seed_can_be_copied(cultivar: CommandLine, submit: list[str]) -> None:
    job = cultivar(*submit, "--random-seed", "1234567", "--json").json()
    assert "1234567\n" in cultivar("jobs", "show", job["id"]).text


def test_steering(cultivar: CommandLine, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    for move, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelling")):
        assert cultivar("jobs", move, job.id, "--json").json()["state"] == state
    ran = cultivar("jobs", "resume", job.id)
    assert ran.status == 1
    assert "cancelling" in ran.errors
    assert cultivar("jobs", "delete", job.id).status == 1


def test_watching_a_job_that_stands_still(cultivar: CommandLine, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    cultivar("jobs", "pause", job.id)
    ran = cultivar("jobs", "watch", job.id)
    assert ran.status == 1  # it did not succeed
    assert "paused: 0 of 2 rows" in ran.errors
    assert "paused (requested), 0 of 2 rows" in ran.text


def test_parts(cultivar: CommandLine, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    calls = cultivar("jobs", "calls", stored.job.id, "--json").json()["items"]
    assert len(calls) == 2
    failed = cultivar("jobs", "calls", stored.job.id, "--state", "failed", "--json").json()
    assert len(failed["items"]) == 1
    assert cultivar("jobs", "calls", stored.job.id).status == 0
    assert cultivar("jobs", "candidates", stored.job.id).status == 0
    assert len(cultivar("jobs", "candidates", stored.job.id, "--json").json()["items"]) == 4


def test_rows(cultivar: CommandLine, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    for state, count in (("accepted", 3), ("rejected", 1), ("all", 4)):
        found = cultivar("rows", "list", stored.job.id, "--state", state, "--json").json()
        assert len(found["items"]) == count
    assert str(stored.row_ids[0]) in cultivar("rows", "list", stored.job.id).text
    lineage = cultivar("rows", "lineage", stored.row_ids[0], "--json").json()
    assert lineage["row"]["id"] == str(stored.row_ids[0])
    assert "Come up with tasks." in cultivar("rows", "lineage", stored.row_ids[0]).text


def test_rows_are_searched(cultivar: CommandLine, runtime: Runtime) -> None:
    job = stored_job(runtime).job
    words = ("rows", "list", job.id)
    found = cultivar(*words, "--text", "TREE number 1", "--json").json()["items"]
    assert [each["instruction"] for each in found] == ["Describe tree number 1."]
    dropped = cultivar(*words, "--state", "rejected", "--reason", "empty_output", "--json").json()
    assert len(dropped["items"]) == 1
    assert cultivar(*words, "--state", "all", "--text", "x").status == 2


def test_exports(cultivar: CommandLine, runtime: Runtime, tmp_path: Path) -> None:
    stored = stored_job(runtime)
    asked = cultivar("exports", "make", stored.job.id, "--no-wait", "--json").json()
    assert asked["state"] == "queued"
    assert cultivar("exports", "download", asked["id"]).status == 1
    exports.make(runtime, asked["id"])
    out = tmp_path / "rows.jsonl"
    assert cultivar("exports", "download", asked["id"], "--out", out).status == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 2  # the target
    assert cultivar("exports", "download", asked["id"]).output == out.read_bytes()
    assert "ready" in cultivar("exports", "show", asked["id"]).text
    assert len(cultivar("exports", "list", "--job", stored.job.id, "--json").json()["items"]) == 1
    assert cultivar("exports", "make", stored.job.id, "--format", "parchment").status == 2
    assert cultivar("exports", "delete", asked["id"]).status == 0


def test_packed_exports(cultivar: CommandLine, runtime: Runtime, tmp_path: Path) -> None:
    job_id = stored_job(runtime).job.id
    make = ("exports", "make", job_id, "--no-wait", "--json")
    found = cultivar(*make, "--package", "container=jsonl.gz").json()
    exports.make(runtime, found["id"])
    out = tmp_path / "rows.jsonl.gz"
    assert cultivar("exports", "download", found["id"], "--out", out).status == 0
    assert gzip.decompress(out.read_bytes()).count(b"\n") == 2
    split = cultivar(*make, "--package", "test=0.5", "--package", "split_by=instruction").json()
    exports.make(runtime, split["id"])
    assert cultivar("exports", "show", split["id"], "--json").json()["packaging"]["test"] == 0.5
    assert cultivar("exports", "download", split["id"]).output[:2] == b"PK"
    assert "shard_mib" in cultivar("exports", "packaging").text
    assert cultivar(*make, "--package", "shards=3").status == 2
    left = cultivar(*make, "--format", "flan_cot").json()
    exports.make(runtime, left["id"])
    assert "no_reasoning_before_an_answer" in cultivar("exports", "show", left["id"]).text


def test_a_report(cultivar: CommandLine, runtime: Runtime, tmp_path: Path) -> None:
    job_id = stored_job(runtime).job.id
    assert "rows accepted" in cultivar("jobs", "report", job_id).text
    page = tmp_path / "report.html"
    report = cultivar("jobs", "report", job_id, "--html", page, "--json").json()
    assert report["languages"] == {"en": 2}, "as many rows as an export has"
    assert page.read_text().startswith("<!doctype html>")


def test_formats_and_methods(cultivar: CommandLine) -> None:
    assert "alpaca" in cultivar("exports", "formats").text
    assert cultivar("methods", "list", "--json").json()[0]["name"] == "self_instruct"
    shown = cultivar("methods", "show", "self_instruct").text
    assert "profile paper:" in shown
    assert "propose.system" in shown
    assert cultivar("methods", "prompt", "self_instruct", "propos").status == 1
    assert cultivar("methods", "prompt", "self_instruct", "propose", "--language", "x").status == 1
    assert cultivar("methods", "show", "nonsense").status == 1


def test_estimate_before_submitting(cultivar: CommandLine, submit: list[str]) -> None:
    flags = ["--budget-usd", "0.5", "--max-calls", "70", "--reuse", "prefer"]
    words = ["jobs", "estimate", *submit[2:], *flags]
    found = cultivar(*words, "--json").json()
    assert found["estimate"]["calls"]["most"] == found["cap_calls"] == 70
    assert found["estimate"]["rows"] == 10
    text = cultivar(*words).text
    assert "at most 70" in text
    assert "70 calls at most: the job's cap" in text
    assert cultivar("jobs", "list", "--json").json()["items"] == []
    assert cultivar(*words, "--option", "threshold=2").status == 2


def test_an_estimate_shows_the_first_prompt(cultivar: CommandLine, submit: list[str]) -> None:
    words = ["jobs", "estimate", *submit[2:]]
    prompt = cultivar(*words, "--json").json()["first_prompt"]
    assert prompt["step"] == "propose"
    shown = cultivar(*words, "--show-prompt").text
    assert prompt["version"] in shown
    assert prompt["text"].splitlines()[-1] in shown
    assert prompt["version"] not in cultivar(*words).text


def test_submitting_says_what_to_expect(cultivar: CommandLine, submit: list[str]) -> None:
    ran = cultivar(*submit, "--reuse", "prefer", "--json")
    assert ran.json()["reuse"] == "prefer"
    assert "expected: 10 rows, " in ran.errors
    assert "$0.0000 (at most $0.0000)" in ran.errors


def test_what_a_row_costs_and_what_was_saved(cultivar: CommandLine, runtime: Runtime) -> None:
    stored = stored_job(runtime)
    with runtime.database.transaction() as connection:
        connection.execute(
            sa.text(
                "UPDATE jobs SET spent_micro_usd = 3000, reused_calls = 4, saved_micro_usd = 700"
            )
        )
    text = cultivar("jobs", "show", stored.job.id).text
    facts = {line.split("  ")[0]: line.split()[-1] for line in text.splitlines() if line}
    assert (facts["a row"], facts["saved"], facts["reused calls"]) == ("$0.0010", "$0.0007", "4")
    assert "$0.0010" in cultivar("jobs", "list").text


def test_batches(cultivar: CommandLine, submit: list[str], runtime: Runtime) -> None:
    refused = cultivar(*submit, "--delivery", "batch")
    assert refused.status == 2
    assert "batch_input_micro_usd_per_million" in refused.errors
    words = ["--batch-input-price", "0.05", "--batch-output-price", "0.20"]
    assert cultivar("teachers", "change", "gardener", *words).status == 0
    job = cultivar(*submit, "--delivery", "batch", "--json").json()
    assert job["delivery"] == "batch"
    assert cultivar("jobs", "batches", job["id"], "--json").json()["items"] == []


def test_the_batches_of_a_job_are_listed(cultivar: CommandLine, runtime: Runtime) -> None:
    listed = cultivar("jobs", "batches", str(stored_batch(runtime).id))
    assert listed.status == 0
    for told in ("batch_7", "claimed", "in_progress", "40", "30"):
        assert told in listed.text
