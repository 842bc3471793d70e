"""Reviews over HTTP: samples, verdicts, the sheet there and back, and what exports make of them."""

import csv
import io
import json
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from app.db.tables import rows
from app.runtime import Runtime
from app.use_cases import exports
from tests.api.stored_job import StoredJob, stored_job

ROWS = 8
WRONG = {"reasons": ["wrong_output"]}


@pytest.fixture
def stored(runtime: Runtime) -> StoredJob:
    return stored_job(runtime, row_count=ROWS, target_rows=6)


def started(client: TestClient, stored: StoredJob, **more: object) -> dict[str, Any]:
    body = {"job_id": str(stored.job.id), "rows": 6, "reviewer": "Ann", **more}
    answer = client.post("/v1/reviews", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/reviews/{answer.json()['id']}"
    return answer.json()


def sample(client: TestClient, review: dict[str, Any]) -> list[dict[str, Any]]:
    return client.get(f"/v1/reviews/{review['id']}/rows").json()["items"]


def decide(
    client: TestClient, review: dict[str, Any], row_id: str, verdict: str, **more: object
) -> Any:
    body = {"row_id": row_id, "verdict": verdict, **more}
    return client.post(f"/v1/reviews/{review['id']}/decisions", json=body)


def test_a_sample_is_drawn_from_what_an_export_holds(client: TestClient, stored: StoredJob) -> None:
    review = started(client, stored)
    assert (review["sample_rows"], review["population"]) == (6, 6), "surplus rows are no part of it"
    ids = [each["row"]["id"] for each in sample(client, review)]
    assert set(ids) == {str(each) for each in stored.row_ids[:6]}
    assert ids != [str(each) for each in stored.row_ids[:6]], "in the order of the draw"
    again = [each["row"]["id"] for each in sample(client, started(client, stored))]
    other = [each["row"]["id"] for each in sample(client, started(client, stored, random_seed=9))]
    assert ids == again != other
    assert [each["position"] for each in sample(client, review)] == list(range(6))
    listed = client.get(f"/v1/reviews?job_id={stored.job.id}").json()["items"]
    assert listed[-1] == review == client.get(f"/v1/reviews/{review['id']}").json()
    first = client.get(f"/v1/reviews/{review['id']}/rows?limit=4").json()
    rest = client.get(f"/v1/reviews/{review['id']}/rows?limit=4&cursor={first['next']}").json()
    assert [each["row"]["id"] for each in first["items"] + rest["items"]] == ids


def test_verdicts_make_an_estimate_and_a_history(client: TestClient, stored: StoredJob) -> None:
    review = started(client, stored)
    kept, edited, dropped = (each["row"]["id"] for each in sample(client, review)[:3])
    assert decide(client, review, kept, "keep").json()["changed"]
    assert not decide(client, review, kept, "keep").json()["changed"]
    changed = decide(client, review, edited, "edit", output="It is an oak.", **WRONG).json()
    assert changed["row"]["row"]["output"] == "It is an oak."
    answer = decide(client, review, dropped, "drop", note="Thrice.", reviewer="Bo", **WRONG).json()
    found = answer["review"]["findings"]
    assert found["verdicts"] == {"kept": 1, "edited": 1, "dropped": 1}
    assert found["valid"]["share"] == pytest.approx(1 / 3)
    assert found["fields"]["output"]["share"] == pytest.approx(1 / 3)
    assert found["fields"]["input"]["share"] == 1.0
    assert 0 < found["valid"]["low"] < 1 / 3 < found["valid"]["high"] < 1
    lineage = client.get(f"/v1/rows/{edited}/lineage").json()
    [decision] = lineage["decisions"]
    assert decision["before"]["output"].startswith("It is tree")
    assert (decision["after"]["output"], decision["reviewer"]) == ("It is an oak.", "Ann")
    told = client.get(f"/v1/rows/{dropped}/decisions").json()["items"][0]
    assert (told["reviewer"], told["note"], told["before"]) == ("Bo", "Thrice.", None)


def test_to_keep_takes_an_edit_back_and_nothing_is_forgotten(
    client: TestClient, stored: StoredJob
) -> None:
    review = started(client, stored)
    row = sample(client, review)[0]["row"]
    for output in ("An oak.", "An elm."):
        decide(client, review, row["id"], "edit", output=output, **WRONG)
    assert decide(client, review, row["id"], "keep").json()["row"]["row"]["output"] == row["output"]
    history = client.get(f"/v1/rows/{row['id']}/decisions").json()["items"]
    assert [each["verdict"] for each in history] == ["edited", "edited", "kept"]
    assert [(each["before"]["output"], each["after"]["output"]) for each in history] == [
        (row["output"], "An oak."),
        ("An oak.", "An elm."),
        ("An elm.", row["output"]),
    ]
    state = client.get(f"/v1/reviews/{review['id']}").json()["findings"]
    assert (state["judged"], state["verdicts"]["kept"]) == (1, 1)


def test_edits_and_drops_hold_in_exports(
    client: TestClient, runtime: Runtime, stored: StoredJob
) -> None:
    review = started(client, stored)
    edited, dropped = str(stored.row_ids[0]), str(stored.row_ids[1])
    before = exported(client, runtime, stored)
    decide(client, review, edited, "edit", output="It is an oak.", **WRONG)
    decide(client, review, dropped, "drop", **WRONG)
    after = exported(client, runtime, stored)
    outputs = [json.loads(line)["output"] for line in after["lines"]]
    assert outputs == ["It is an oak.", *(f"It is tree {at}." for at in (2, 3, 4, 5, 6))]
    manifest = after["manifest"]["reviewed"]
    assert (manifest["edited"], manifest["dropped"], manifest["kept"]) == (1, 1, 0)
    [told] = manifest["reviews"]
    assert (told["judged"], told["population"], told["valid_share"]) == (2, 6, 0.0)
    assert "0.0% were valid as they were made" in after["card"]
    assert "1 rows of the job stand as people edited them" in after["card"]
    assert before["manifest"]["reviewed"]["reviews"][0]["judged"] == 0
    assert "## Review" not in before["card"]
    holding = {
        row: [each["id"] for each in client.get(f"/v1/rows/{row}/lineage").json()["exports"]]
        for row in (edited, dropped, str(stored.row_ids[6]), str(stored.row_ids[7]))
    }
    assert list(holding.values()) == [
        [after["id"], before["id"]],
        [before["id"]],
        [after["id"]],
        [],
    ]


def exported(client: TestClient, runtime: Runtime, stored: StoredJob) -> dict[str, Any]:
    body = {"job_id": str(stored.job.id), "format": "alpaca_jsonl"}
    export_id = client.post("/v1/exports", json=body).json()["id"]
    exports.make(runtime, UUID(export_id))
    shown = client.get(f"/v1/exports/{export_id}").json()
    lines = client.get(shown["download"]).text.splitlines()
    card = client.get(f"/v1/exports/{export_id}/card").text
    return {"id": export_id, "manifest": shown["manifest"], "lines": lines, "card": card}


HARMFUL = ("=1+1", "'=1", " @x\r\n-y", '\u2028 emoji \U0001f333, "quoted"; שלום\ttab', "+1")


def harmful(runtime: Runtime, stored: StoredJob) -> None:
    """Texts that a spreadsheet program would take for more, or break."""
    with runtime.database.transaction() as connection:
        for row_id, text in zip(stored.row_ids, HARMFUL, strict=False):
            change = {"instruction": text, "input": text, "output": text}
            connection.execute(sa.update(rows).where(rows.c.id == row_id).values(**change))


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def written(found: list[dict[str, str]]) -> bytes:
    target = io.StringIO(newline="")
    writer = csv.DictWriter(target, list(found[0]))
    writer.writeheader()
    writer.writerows(found)
    return target.getvalue().encode()


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_sheet_goes_there_and_back(
    client: TestClient, runtime: Runtime, stored: StoredJob, kind: str
) -> None:
    harmful(runtime, stored)
    review = started(client, stored)
    path, media = (
        f"/v1/reviews/{review['id']}/sheet",
        "text/csv" if kind == "csv" else "application/x-ndjson",
    )
    content = client.get(f"{path}?kind={kind}").content
    if kind == "csv":
        found: list[dict[str, Any]] = list(csv_rows(content))
        cells = [cell for each in found for cell in each.values()]
        assert not any(cell.lstrip(' "').startswith(("=", "+", "-", "@")) for cell in cells)
    else:
        found = [json.loads(line) for line in content.split(b"\n")[:-1]]
        assert {each["output"] for each in found} >= set(HARMFUL)
    untouched = client.post(path, content=content, headers={"content-type": media}).json()
    assert (untouched["lines"], untouched["blank"], untouched["decided"]) == (6, 6, 0)
    found[0]["verdict"] = "keep"
    found[1] |= {"verdict": "Drop", "reasons": "wrong_output; unsafe", "note": "no"}
    found[2] |= {"verdict": "edit", "reasons": "wrong_output", "output": "'=better"}
    lines = "".join(json.dumps(each) + "\n" for each in found).encode()
    filled = written(found) if kind == "csv" else lines
    for decided in (3, 0):
        applied = client.post(path, content=filled, headers={"content-type": media}).json()
        assert (applied["decided"], applied["unchanged"], applied["blank"]) == (
            decided,
            3 - decided,
            3,
        )
    shown = sample(client, review)
    verdicts = [each["decision"] and each["decision"]["verdict"] for each in shown]
    assert verdicts == ["kept", "dropped", "edited", None, None, None]
    assert shown[1]["decision"]["reasons"] == ["wrong_output", "unsafe"]
    assert shown[2]["row"]["output"] == ("=better" if kind == "csv" else "'=better")
    again = client.get(f"{path}?kind={kind}").content
    unchanged = client.post(path, content=again, headers={"content-type": media}).json()
    assert (unchanged["decided"], unchanged["unchanged"]) == (0, 3)


def test_one_bad_line_and_nothing_is_stored(client: TestClient, stored: StoredJob) -> None:
    review = started(client, stored)
    path = f"/v1/reviews/{review['id']}/sheet"
    found = csv_rows(client.get(path).content)
    found[0]["verdict"] = "keep"
    found[1] |= {"verdict": "drop"}
    found[2] |= {"output": "changed"}
    found[3] |= {"row_id": str(stored.rejected_row_id)}
    found[4] |= {"row_id": found[0]["row_id"]}
    found[5] |= {"verdict": "keep", "instruction": "changed"}
    answer = client.post(path, content=written(found), headers={"content-type": "text/csv"})
    assert answer.status_code == 422
    told = [(each["line"], each["pointer"], each["code"]) for each in answer.json()["errors"]]
    assert told == [
        (3, "/reasons", "missing_field"),
        (4, "/verdict", "missing_field"),
        (5, "/row_id", "not_found"),
        (6, "/row_id", "duplicate_row"),
        (7, "/verdict", "conflicting_options"),
    ]
    assert "the file" in answer.json()["detail"]
    assert client.get(f"/v1/reviews/{review['id']}").json()["findings"]["judged"] == 0


FILES = (
    (b"", "text/csv", 422, "empty_upload"),
    (b"row_id,verdict\r\n", "text/csv", 422, "empty_upload"),
    (b"verdict\r\nkeep\r\n", "text/csv", 422, "invalid_upload"),
    (b"row_id,verdict\r\nx,keep\r\n", "text/csv", 422, "invalid_upload"),
    (b"[1]\n", "application/x-ndjson", 422, "invalid_upload"),
    (b'{"row_id": 1}\n', "application/x-ndjson", 422, "invalid_upload"),
    (b"PK\x03\x04", "text/csv", 415, "compressed_or_binary"),
    (b"x", "text/plain", 415, "unsupported_media_type"),
)


def test_files_that_are_no_sheets(client: TestClient, stored: StoredJob) -> None:
    path = f"/v1/reviews/{started(client, stored)['id']}/sheet"
    for content, media, status, code in FILES:
        answer = client.post(path, content=content, headers={"content-type": media})
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_what_cannot_be_judged_is_said(client: TestClient, stored: StoredJob) -> None:
    review = started(client, stored)
    row_id = sample(client, review)[0]["row"]["id"]
    for body, pointer in (
        ({"verdict": "maybe"}, "/verdict"),
        ({"verdict": "drop"}, "/reasons"),
        ({"verdict": "drop", "reasons": ["ugly"]}, "/reasons"),
        ({"verdict": "edit", **WRONG}, "/verdict"),
        ({"verdict": "edit", "output": " ", **WRONG}, "/output"),
        ({"verdict": "keep", "output": "other"}, "/verdict"),
        ({"verdict": "edit", "messages": ["a"], **WRONG}, "/messages"),
        ({"verdict": "keep", "reviewer": "\x07"}, "/reviewer"),
    ):
        answer = client.post(
            f"/v1/reviews/{review['id']}/decisions", json={"row_id": row_id, **body}
        )
        assert answer.status_code == 422, body
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert decide(client, review, str(stored.rejected_row_id), "keep").status_code == 404
    for wish, code in (({"rows": 0}, 422), ({"rows": 5001}, 422), ({"random_seed": -1}, 422)):
        body = {"job_id": str(stored.job.id), **wish}
        assert client.post("/v1/reviews", json=body).status_code == code
    assert client.get(f"/v1/rows/{row_id}/decisions").json()["items"] == []


def test_a_dialogue_is_edited_by_its_turns(
    client: TestClient, runtime: Runtime, stored: StoredJob
) -> None:
    turns = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
    with runtime.database.transaction() as connection:
        change = {"instruction": "Hello", "output": "Hi", "messages": turns}
        connection.execute(sa.update(rows).where(rows.c.id == stored.row_ids[0]).values(**change))
    review, row_id = started(client, stored), str(stored.row_ids[0])
    refused = decide(client, review, row_id, "edit", output="Hey", **WRONG)
    assert refused.json()["errors"][0]["pointer"] == "/messages"
    row = decide(client, review, row_id, "edit", messages=["Hello", "Hey"], **WRONG).json()["row"]
    assert row["row"]["messages"] == [turns[0], {"role": "assistant", "content": "Hey"}]
    assert row["row"]["output"] == "Hey"
    path = f"/v1/reviews/{review['id']}/sheet"
    found = csv_rows(client.get(path).content)
    mine = next(each for each in found if each["row_id"] == row_id)
    mine["messages"] = json.dumps([turns[0], {"role": "assistant", "content": "Good day"}])
    applied = client.post(path, content=written(found), headers={"content-type": "text/csv"})
    assert applied.json()["decided"] == 1, applied.text
    assert client.get(f"/v1/rows/{row_id}").json()["output"] == "Good day"


def test_a_review_goes_and_its_decisions_stay(client: TestClient, stored: StoredJob) -> None:
    review = started(client, stored)
    row_id = sample(client, review)[0]["row"]["id"]
    decide(client, review, row_id, "drop", **WRONG)
    assert client.delete(f"/v1/reviews/{review['id']}").status_code == 204
    assert client.get(f"/v1/reviews/{review['id']}").status_code == 404
    [decision] = client.get(f"/v1/rows/{row_id}/decisions").json()["items"]
    assert (decision["review_id"], decision["verdict"]) == (None, "dropped")
    assert client.get(f"/v1/rows/{row_id}").json()["verdict"] == "dropped"
    assert started(client, stored)["population"] == 6, "a surplus row stands in for the dropped one"


def test_a_key_begins_a_review_once(client: TestClient, stored: StoredJob) -> None:
    body, headers = {"job_id": str(stored.job.id)}, {"Idempotency-Key": "one"}
    first = client.post("/v1/reviews", json=body, headers=headers)
    second = client.post("/v1/reviews", json=body, headers=headers)
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(client.get("/v1/reviews").json()["items"]) == 1


def test_the_reasons_are_listed(client: TestClient) -> None:
    found = client.get("/v1/review-reasons").json()["items"]
    assert {each["field"] for each in found} == {"instruction", "input", "output", None}
