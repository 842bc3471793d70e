"""`cultivar filters`, `evaluation-sets` and `decontaminate`: listed, tried, run over files."""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.runtime import Runtime
from tests.api.stored_job import stored_job, stored_seed_set, stored_teacher
from tests.cli.running import CommandLine
from tests.domain.playing import DATA, needs_data

SORRY = "I'm sorry, but I can't help with that."
RUN = "Explain in two sentences why the leaves of most trees turn red and yellow in autumn."
ROWS: list[Mapping[str, Any]] = [
    {"instruction": "Name a tea.", "input": "", "output": "Green tea.", "id": 1},
    {"instruction": "Name a tea.", "output": SORRY},
    {"prompt": "Name a tea.", "completion": "Black tea, as lin@teahouse.cn says."},
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": SORRY}]},
    {"conversations": [{"from": "human", "value": RUN}, {"from": "gpt", "value": "Cold."}]},
    {"instruction": "Name a tea.", "instances": [{"input": "", "output": "N/A"}]},
]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in ROWS))
    return path


@pytest.fixture
def exam(tmp_path: Path) -> Path:
    path = tmp_path / "exam.jsonl"
    path.write_text(json.dumps({"instruction": RUN, "motivation_app": "x"}) + "\n")
    return path


def test_the_list(cultivar: CommandLine) -> None:
    assert "repetition_loop" in cultivar("filters", "list").text
    found = {each["name"]: each for each in cultivar("filters", "list", "--json").json()}
    assert found["refusal"]["on_by_default"]["magpie"] == "drop"


def test_a_file_in_every_shape_is_checked_line_by_line(
    cultivar: CommandLine, rows: Path, tmp_path: Path
) -> None:
    out, decisions = tmp_path / "out.jsonl", tmp_path / "decisions.jsonl"
    ran = cultivar("filters", "check", rows, "--out", out, "--decisions", decisions, "--json")
    assert ran.json() == {
        "read": 6,
        "kept": 3,
        "dropped": {"refusal": 2, "not_available": 1},
        "flagged": {"email_address": 1},
        "overlaps": {},
    }
    lines = rows.read_bytes().splitlines(keepends=True)
    assert out.read_bytes() == lines[0] + lines[2] + lines[4]
    noted = [json.loads(line) for line in decisions.read_text().splitlines()]
    assert [each["kept"] for each in noted] == [True, False, True, False, True, False]
    assert noted[1] == {
        "line": 2, "kept": False, "reasons": ["refusal"], "flags": [], "overlaps": []
    }  # fmt: skip
    assert noted[2]["flags"] == ["email_address"]


def test_filters_are_chosen_and_set(cultivar: CommandLine, rows: Path) -> None:
    words = ["--on", "word_count", "--off", "refusal", "--filter", "word_count.minimum=3"]
    words += ["--filter", "email_address=drop", "--filter", "not-available=flag"]
    found = cultivar("filters", "check", rows, *words, "--json").json()
    assert found["dropped"] == {"too_short": 1, "email_address": 1}
    assert found["flagged"] == {"not_available": 1}


def test_a_pipe_is_read_and_rows_go_to_standard_output(
    cultivar: CommandLine, piped: Callable[[bytes], None], rows: Path
) -> None:
    piped(gzip.compress(rows.read_bytes()))
    ran = cultivar("filters", "check", "-", "--out", "-")
    assert len(ran.lines()) == 3
    assert "6 rows read: 3 kept, 3 dropped" in ran.errors


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--on", "refussal"], "did you mean refusal?"),
        (["--filter", "refusal"], "'refusal' is not NAME=WHAT"),
        (["--filter", "refusal=maybe"], "must say on, off, drop or flag"),
        (["--filter", "link.were=input"], "did you mean where?"),
        (["--filter", "word_count.minimum=-1"], "from 0 to 100000"),
        (["--off", "empty"], "without text"),
    ],
)
def test_what_cannot_be_chosen(
    cultivar: CommandLine, rows: Path, words: list[str], told: str
) -> None:
    ran = cultivar("filters", "check", rows, *words)
    assert ran.status == 2
    assert told in ran.errors


def test_a_bad_row_is_named_and_nothing_is_written(
    cultivar: CommandLine, rows: Path, tmp_path: Path
) -> None:
    with rows.open("a") as file:
        file.write('{"instruction": 5}\n{"messages": [{"role": "judge", "content": "x"}]}\n')
        file.write('{"messages": []}\n{"instruction": "a", "instances": [1]}\n')
    ran = cultivar("filters", "check", rows, "--out", tmp_path / "out.jsonl")
    assert ran.status == 2
    assert "lines 7, 8, 9 and 10 cannot be used" in ran.errors
    assert "role must be one of" in ran.errors
    assert not (tmp_path / "out.jsonl").exists()


def test_decontaminate(cultivar: CommandLine, rows: Path, exam: Path, tmp_path: Path) -> None:
    decisions = tmp_path / "decisions.jsonl"
    ran = cultivar("decontaminate", rows, "--against", exam, "--decisions", decisions, "--json")
    found = ran.json()
    assert (found["read"], found["kept"]) == (6, 5)
    assert found["overlaps"] == {str(exam): {"ngram_overlap": 1}}
    noted = [json.loads(line) for line in decisions.read_text().splitlines()]
    assert noted[4]["overlaps"] == [
        {
            "set": str(exam),
            "rule": "ngram_overlap",
            "line": 1,
            "evidence": "explain in two sentences why the leaves of most trees turn red and",
        }
    ]
    flagged = cultivar(
        "decontaminate", rows, "--against", exam, "--ngram", 0, "--contaminated", "flag", "--json"
    ).json()
    assert (flagged["kept"], flagged["flagged"]) == (6, {"rouge_l_overlap": 1})
    nothing = cultivar("decontaminate", rows, "--against", exam, "--ngram", 0, "--rouge-l", 0)
    assert (nothing.status, "--rouge-l" in nothing.errors) == (2, True)
    assert "from 5 to 50" in cultivar("decontaminate", rows, "--against", exam, "--ngram", 3).errors


@needs_data
def test_the_user_oriented_tasks_are_found_in_themselves(cultivar: CommandLine) -> None:
    exam = DATA / "self_instruct" / "user_oriented_instructions.jsonl"
    found = cultivar("decontaminate", exam, "--against", exam, "--json").json()
    assert (found["read"], found["kept"]) == (252, 0)
    seeds = DATA / "self_instruct" / "seed_tasks.jsonl"
    assert cultivar("decontaminate", seeds, "--against", exam, "--json").json()["kept"] == 175


# With a service


def test_sets_and_a_dry_run(cultivar: CommandLine, runtime: Runtime, exam: Path) -> None:
    added = cultivar("evaluation-sets", "add", exam, "--licence", "CC0", "--json").json()
    assert added["created"] is True
    assert "stored already" in cultivar("evaluation-sets", "add", exam).text
    assert "exam" in cultivar("evaluation-sets", "list").text
    assert "CC0" in cultivar("evaluation-sets", "show", "exam").text
    assert "autumn" in cultivar("evaluation-sets", "items", "exam").text
    job = stored_job(runtime).job
    words = ["--filter", "prompt_leak.phrases=tree number", "--evaluation-set", "exam"]
    found = cultivar("filters", "try", job.id, *words, "--json").json()
    assert (found["accepted"], found["accepted_then"]) == (3, 0)
    assert found["dropped"] == {"prompt_leak": 3}
    told = cultivar("filters", "try", job.id, *words, "--examples", 1)
    assert "4 rows looked at: 3 accepted, then 0" in told.text
    assert "dropped (prompt_leak): Describe tree number" in told.text
    assert cultivar("evaluation-sets", "delete", "exam").status == 0
    assert "no evaluation set named" in cultivar("evaluation-sets", "show", "exam").errors


def test_a_job_is_submitted_with_them(cultivar: CommandLine, runtime: Runtime, exam: Path) -> None:
    stored_seed_set(runtime)
    stored_teacher(runtime)
    cultivar("evaluation-sets", "add", exam)
    words = ["--seed-set", "garden", "--teacher", "gardener", "--rows", "10"]
    words += ["--filter", "refusal=flag", "--evaluation-set", "exam", "--ngram", "8"]
    job = cultivar("jobs", "submit", *words, "--json").json()
    assert job["filters"]["refusal"]["action"] == "flag"
    assert (job["decontamination"]["ngram"], job["decontamination"]["rouge_l"]) == (8, 0.7)
    assert "refusal flag" in cultivar("jobs", "show", job["id"]).text
    assert cultivar("jobs", "estimate", *words).status == 0
