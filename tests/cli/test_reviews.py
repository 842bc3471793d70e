"""Reviews and reports of files by command."""

import csv
import io
from pathlib import Path

from app.runtime import Runtime
from app.use_cases import exports
from tests.api.stored_job import stored_job
from tests.cli.running import CommandLine


def test_a_review_from_beginning_to_end(
    cultivar: CommandLine, runtime: Runtime, tmp_path: Path
) -> None:
    job = stored_job(runtime, row_count=4, target_rows=4).job.id
    started = cultivar("reviews", "start", job, "--rows", 4, "--reviewer", "Ann", "--json").json()
    review = started["review"]["id"]
    rows = [
        each["row"]["id"] for each in cultivar("reviews", "rows", review, "--json").json()["items"]
    ]
    assert cultivar("reviews", "decide", review, rows[0], "keep").text.startswith("kept; 100.0%")
    edited = ("edit", "--reason", "wrong_output", "--output", "Better.", "--reviewer", "Bo")
    assert "edited; 50.0%" in cultivar("reviews", "decide", review, rows[1], *edited).text
    assert "said before" in cultivar("reviews", "decide", review, rows[1], *edited).text
    refused = cultivar("reviews", "decide", review, rows[2], "drop")
    assert (refused.status, "at least one reason" in refused.errors) == (2, True)
    history = cultivar("reviews", "history", rows[1]).text
    assert "Bo" in history
    assert "Ann" not in history
    lineage = cultivar("rows", "lineage", rows[1]).text
    for words in ("edited by Bo", "output after:  Better.", "model gardener-1, 7 and 3 tokens"):
        assert words in lineage, words
    shown = cultivar("reviews", "show", review).text
    assert "50.0% (25.0% to 75.0%, 2 of 4 judged)" in shown
    assert cultivar("reviews", "list", "--job", job).text.count("50.0%") == 1
    assert "wrong_output" in cultivar("reviews", "reasons").text

    sheet = tmp_path / "sheet.csv"
    assert cultivar("reviews", "sheet", review, "--out", sheet).status == 0
    found = list(csv.DictReader(io.StringIO(sheet.read_bytes().decode("utf-8-sig"), newline="")))
    found[2] |= {"verdict": "drop", "reasons": "unsafe, other", "note": "=why"}
    with sheet.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    told = cultivar("reviews", "apply", review, sheet).text
    assert told.startswith("4 lines: 1 decided, 2 as before, 1 without a verdict")
    sheet.write_bytes(sheet.read_bytes().replace(b"drop", b"burn").replace(b"dropped", b"burnt"))
    refused = cultivar("reviews", "apply", review, sheet)
    assert (refused.status, "must be keep, edit or drop" in refused.errors) == (2, True)
    assert cultivar("reviews", "sheet", review).output.startswith(b"\xef\xbb\xbf")
    assert cultivar("reviews", "delete", review).text == "deleted\n"
    assert cultivar("reviews", "show", review).status == 1


def test_an_export_is_previewed_and_reported_on(
    cultivar: CommandLine, runtime: Runtime, tmp_path: Path
) -> None:
    job = stored_job(runtime, row_count=4, target_rows=4).job.id
    card = cultivar("exports", "preview", job, "--format", "alpaca", "--package", "bundle=true")
    assert card.text.startswith("---\npretty_name")
    assert cultivar("exports", "preview", job, "--json").json()["rows"] == 4
    export = exports.request(runtime, job, "alpaca_jsonl")
    exports.make(runtime, export.id)
    file, page = tmp_path / "rows.jsonl", tmp_path / "report.html"
    cultivar("exports", "download", export.id, "--out", file)
    found = cultivar("report", file, "--json").json()
    assert found["rows"] == 4
    assert found["languages"] == cultivar("jobs", "report", job, "--json").json()["languages"]
    assert "give the file of seeds" in cultivar("report", file).text
    assert cultivar("report", file, "--html", page).status == 0
    assert "Not told here" in page.read_text(encoding="utf-8")
    file.write_bytes(b'{"instruction": 1}\n')
    refused = cultivar("report", file)
    assert (refused.status, "line 1" in refused.errors) == (2, True)
