"""`cultivar labelled-sets` and the stored part of `cultivar templates`, up to jobs of both."""

from pathlib import Path
from uuid import UUID

import pytest

from app.runtime import Runtime
from app.use_cases import jobs
from tests.cli.running import CommandLine
from tests.domain.template_text import FILE, one_template
from tests.driving import running_driver

pytestmark = pytest.mark.usefixtures("runtime")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Templates and rows on disk."""
    templates, rows = tmp_path / "templates.yaml", tmp_path / "reports.csv"
    templates.write_text(FILE, encoding="utf-8")
    rows.write_text("report,label\nIt pours.,rain\nNo cloud.,1\n", encoding="utf-8")
    return templates, rows


def finish(cultivar: CommandLine, runtime: Runtime, job_id: str) -> None:
    """Drive a job to its end; workers want a standard error that is a file."""
    with cultivar.capture.disabled(), running_driver(runtime) as driver:
        driver.finish(UUID(job_id))


def test_from_files_to_a_mixture(
    cultivar: CommandLine, files: tuple[Path, Path], runtime: Runtime
) -> None:
    templates, rows = files
    added = cultivar("templates", "add", templates, "--name", "weather", "--json").json()
    assert (added["created"], len(added["template_set"]["templates"])) == (True, 2)
    assert "stored already" in cultivar("templates", "add", templates).text
    assert "how is it" in cultivar("templates", "show", "weather").text
    assert "weather/daily" in cultivar("templates", "list").text
    assert cultivar("templates", "download", "weather").text == FILE
    names = ("--label-names", "label=rain,sun")
    assert "2 rows" in cultivar("labelled-sets", "add", rows, *names).text
    assert "rain" in cultivar("labelled-sets", "show", "reports").text
    assert "It pours." in cultivar("labelled-sets", "rows", "reports").text
    assert "reports" in cultivar("labelled-sets", "list").text
    shown = cultivar("templates", "preview", "weather", "--labelled-set", "reports").text
    assert "How is it? It pours." in shown
    assert "skipped: no_separator" in shown

    method = ("--method", "template", "--template-set", "weather", "--labelled-set", "reports")
    assert "The method makes no calls." in cultivar("jobs", "estimate", *method).text
    job = cultivar("jobs", "submit", *method, "--json").json()
    finish(cultivar, runtime, job["id"])
    mix = cultivar(
        "jobs", "submit", "--method", "mix", "--source", f"{job['id']}=1", "--json"
    ).json()
    assert mix["target_rows"] == 3
    finish(cultivar, runtime, mix["id"])
    assert jobs.progress(runtime, UUID(mix["id"])).accepted_rows == 3
    assert cultivar("templates", "delete", "weather").status == 1
    assert cultivar("labelled-sets", "delete", "reports").status == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--method", "template"), "labelled_set_id: is required"),
        (("--method", "mix", "--source", "mine"), "no job's id"),
        (("--method", "mix", "--source", f"{'0' * 32}=much"), "no weight"),
        (("--method", "mix", "--source-cap", f"{'0' * 32}=5"), "which no --source names"),
        (("--rows", "5"), "teacher_id: is required"),
    ],
)
def test_what_a_job_lacks_is_said(cultivar: CommandLine, words: tuple[str, ...], says: str) -> None:
    refused = cultivar("jobs", "submit", *words)
    assert refused.status == 2
    assert says in refused.errors.replace("\n", " ")


def test_bad_files_are_refused_with_their_lines(
    cultivar: CommandLine, files: tuple[Path, Path]
) -> None:
    templates, rows = files
    templates.write_text(one_template(jinja="'{% if %} ||| x'"), encoding="utf-8")
    refused = cultivar("templates", "add", templates)
    assert (refused.status, "jinja_syntax" in refused.errors) == (2, True)
    refused = cultivar("labelled-sets", "add", rows, "--label-names", "label=fog,hail")
    assert (refused.status, "line 2" in refused.errors) == (2, True)
    other = rows.rename(rows.with_suffix(".xls"))
    assert ".parquet" in cultivar("labelled-sets", "add", other).errors
