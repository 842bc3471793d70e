"""`cultivar seed-sets`: a file in, listed, shown, out again, gone."""

import json
from pathlib import Path

import pytest

from app.runtime import Runtime
from tests.api.stored_job import submitted_job
from tests.cli.running import CommandLine

pytestmark = pytest.mark.usefixtures("runtime")

TASKS = [
    {"instruction": "Name a tree.", "input": "", "output": "An oak."},
    {"instruction": "Sort these words.", "input": "b, a", "output": "a, b"},
]


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A file of two tasks."""
    path = tmp_path / "garden tasks.jsonl"
    path.write_text("".join(json.dumps(task) + "\n" for task in TASKS), encoding="utf-8")
    return path


def test_there_and_back(cultivar: CommandLine, seeds: Path) -> None:
    added = cultivar("seed-sets", "add", seeds, "--licence", "CC0-1.0", "--json").json()
    assert added["created"] is True
    assert added["seed_set"]["name"] == "garden tasks"
    again = cultivar("seed-sets", "add", seeds, "--json").json()
    assert (again["created"], again["seed_set"]["id"]) == (False, added["seed_set"]["id"])

    assert added["seed_set"]["id"] in cultivar("seed-sets", "list").text
    assert cultivar("seed-sets", "list", "--json").json()["items"][0]["row_count"] == 2
    assert "CC0-1.0" in cultivar("seed-sets", "show", "garden tasks").text
    listed = cultivar("seed-sets", "seeds", "garden tasks", "--limit", 1, "--json").json()
    assert listed["items"][0]["instruction"] == "Name a tree."
    rest = cultivar("seed-sets", "seeds", "garden tasks", "--cursor", listed["next"], "--json")
    assert [each["instruction"] for each in rest.json()["items"]] == ["Sort these words."]

    lines = cultivar("seed-sets", "download", "garden tasks").lines()
    assert lines[1]["instances"] == [{"input": "b, a", "output": "a, b"}]
    assert cultivar("seed-sets", "delete", "garden tasks").status == 0
    assert cultivar("seed-sets", "show", "garden tasks").status == 1


def test_bad_lines(cultivar: CommandLine, seeds: Path) -> None:
    with seeds.open("a", encoding="utf-8") as file:
        file.write('{"instruction": 7}\n{"task": "x"}\n')
    refused = cultivar("seed-sets", "add", seeds)
    assert refused.status == 2
    assert "line 3 " in refused.errors
    assert "line 4 " in refused.errors
    assert cultivar("seed-sets", "list", "--json").json()["items"] == []
    taken = cultivar("seed-sets", "add", seeds, "--skip-bad-lines", "--json")
    assert taken.json()["seed_set"]["row_count"] == 2
    assert "line 4 " in taken.errors


def test_a_set_in_use_stays(cultivar: CommandLine, runtime: Runtime) -> None:
    job = submitted_job(runtime)
    ran = cultivar("seed-sets", "delete", job.seed_set_id)
    assert ran.status == 1
    assert str(job.id) in ran.errors


def test_names_with_strange_characters_stay_text(cultivar: CommandLine, seeds: Path) -> None:
    name = "[bold red]tasks[/] :smile:"
    assert cultivar("seed-sets", "add", seeds, "--name", name).status == 0
    assert name in cultivar("seed-sets", "list").text
    assert cultivar("seed-sets", "add", seeds, "--name", "a\x1b[2Jb").status == 2


def test_what_is_said_about_a_set_is_changed(cultivar: CommandLine, seeds: Path) -> None:
    cultivar("seed-sets", "add", seeds)
    change = ("seed-sets", "change", "garden tasks")
    changed = cultivar(*change, "--licence", "MIT", "--name", "orchard", "--json").json()
    assert (changed["name"], changed["licence"], changed["language"]) == ("orchard", "MIT", "en")
    refused = cultivar("seed-sets", "change", "orchard", "--language", "?")
    assert refused.status == 2
    assert "language tag" in refused.errors
