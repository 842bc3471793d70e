"""Template sets and labelled sets over HTTP, tried out together and submitted as a job."""

import io
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from starlette.testclient import TestClient

from tests.domain.template_text import FILE, one_template

YAML = {"content-type": "application/yaml"}
JSON = {"content-type": "application/json"}
CSV = {"content-type": "text/csv"}
ROWS = b"report,label\nIt pours.,rain\nNo cloud.,1\n"
HOSTILE = "'{{ ().__class__ }} ||| x'"


def templates(client: TestClient, text: str = FILE) -> Mapping[str, Any]:
    answer = client.post("/v1/template-sets?licence=Apache-2.0", content=text, headers=YAML)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/template-sets/{answer.json()['id']}"
    return answer.json()


def rows(client: TestClient, content: bytes = ROWS) -> Mapping[str, Any]:
    query = "name=weather&label_names=label=rain,sun"
    answer = client.post(f"/v1/labelled-sets?{query}", content=content, headers=CSV)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_template_set_is_shown_as_the_check_found_it(client: TestClient) -> None:
    added = templates(client)
    assert (added["name"], added["dataset"]) == ("weather/daily", "weather/daily")
    first, second = added["templates"]
    assert (first["columns"], first["fixed_choices"]) == (["label", "report"], ["rain", "sun"])
    assert second["fixed_choices"] is None
    shown = client.get(f"/v1/template-sets/{added['id']}").json()
    assert {**shown, "created": True} == added
    assert client.get(f"/v1/template-sets/{added['id']}/download").text == FILE
    again = client.post("/v1/template-sets?name=other", content=FILE, headers=YAML)
    assert (again.status_code, again.json()["id"]) == (200, added["id"])
    assert client.get("/v1/template-sets").json()["items"] == [shown]
    assert client.delete(f"/v1/template-sets/{added['id']}").status_code == 204
    assert client.get(f"/v1/template-sets/{added['id']}").status_code == 404


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", "empty_upload", id="empty"),
        pytest.param("dataset: d\ntemplates: {}\n", "empty_upload", id="no template"),
        pytest.param("a: [", "yaml_syntax", id="broken"),
        pytest.param(one_template(jinja="'{% if %} ||| x'"), "jinja_syntax", id="Jinja"),
        pytest.param(one_template(jinja="'no separator'"), "no_separator", id="separator"),
        pytest.param(one_template(name='"a\\0b"'), "control_character", id="NUL"),
        pytest.param(one_template(jinja="!!python/name:os.system x"), "unknown_tag", id="tag"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_whole(
    client: TestClient, text: str, code: str
) -> None:
    answer = client.post("/v1/template-sets", content=text, headers=YAML)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["code"] == code
    assert client.get("/v1/template-sets").json()["items"] == []


def test_labelled_rows_are_typed_and_named(client: TestClient) -> None:
    added = rows(client)
    assert added["row_count"] == 2
    assert added["columns"]["label"] == {"types": ["int"], "label_names": ["rain", "sun"]}
    page = client.get(f"/v1/labelled-sets/{added['id']}/rows?limit=1").json()
    assert page["items"][0]["fields"] | {"label_names": None} == {
        "report": "It pours.", "label": 0, "label_name": "rain", "label_names": None
    }  # fmt: skip
    rest = client.get(f"/v1/labelled-sets/{added['id']}/rows?cursor={page['next']}").json()
    assert [(each["row"], each["fields"]["label"]) for each in rest["items"]] == [(1, 1)]
    again = client.post(
        "/v1/labelled-sets?name=x&label_names=label=rain,sun", content=ROWS, headers=CSV
    )
    assert (again.status_code, again.json()["id"]) == (200, added["id"])
    otherwise = client.post("/v1/labelled-sets?name=x", content=ROWS, headers=CSV)
    assert otherwise.status_code == 201
    assert client.delete(f"/v1/labelled-sets/{added['id']}").status_code == 204


def as_parquet(rows: list[dict[str, object]]) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


SAME = [{"report": "It pours, «much».", "label": 0}, {"report": "No\ncloud. 雨", "label": 1}]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/json", json.dumps(SAME).encode()),
        ("application/x-ndjson", "".join(json.dumps(each) + "\n" for each in SAME).encode()),
        ("text/csv", 'report,label\n"It pours, «much».",0\n"No\ncloud. 雨",1\n'.encode()),
        (
            "text/tab-separated-values",
            'report\tlabel\nIt pours, «much».\t0\n"No\ncloud. 雨"\t1\n'.encode(),
        ),
        ("application/vnd.apache.parquet", as_parquet(SAME)),
    ],
)
def test_rows_are_the_same_in_every_kind_of_file(
    client: TestClient, kind: str, content: bytes
) -> None:
    address = "/v1/labelled-sets?name=weather&label_names=label=rain,sun"
    answer = client.post(address, content=content, headers={"content-type": kind})
    assert answer.status_code == 201, answer.text
    added = answer.json()
    assert (added["row_count"], added["columns"]["label"]["types"]) == (2, ["int"])
    page = client.get(f"/v1/labelled-sets/{added['id']}/rows").json()
    found = [{name: each["fields"][name] for name in SAME[0]} for each in page["items"]]
    assert found == SAME
    assert [each["fields"]["label_name"] for each in page["items"]] == ["rain", "sun"]


def test_a_broken_parquet_file_is_named_as_such(client: TestClient) -> None:
    whole = as_parquet(SAME)
    for content in (whole[:40], whole[:-9] + b"PAR1", b"PAR1" * 3):
        answer = client.post(
            "/v1/labelled-sets?name=x",
            content=content,
            headers={"content-type": "application/vnd.apache.parquet"},
        )
        assert (answer.status_code, answer.json()["code"]) == (415, "compressed_or_binary")
        assert "Parquet" in answer.json()["detail"]
    assert client.get("/v1/labelled-sets").json()["items"] == []


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        pytest.param(b"a,label\nx,storm\n", "text/csv", "invalid_upload", id="unknown label"),
        pytest.param(b"a,b\n1\n", "text/csv", "invalid_upload", id="ragged"),
        pytest.param(b'{"a": 1}\n{"a"\n', "application/x-ndjson", "invalid_upload", id="JSON"),
        pytest.param(b"", "application/x-ndjson", "empty_upload", id="empty"),
        pytest.param(b"PK\x03\x04zip", "text/csv", "compressed_or_binary", id="zip"),
        pytest.param(b"\x1f\x8bno", "text/csv", "compressed_or_binary", id="broken gzip"),
        pytest.param(b"x", "text/plain", "unsupported_media_type", id="type"),
    ],
)
def test_rows_that_cannot_be_used_are_refused_whole(
    client: TestClient, content: bytes, kind: str, code: str
) -> None:
    answer = client.post(
        "/v1/labelled-sets?name=x&label_names=label=rain,sun",
        content=content,
        headers={"content-type": kind},
    )
    assert answer.status_code in {415, 422}, answer.text
    assert answer.json()["code"] == code
    assert "/uploads/" not in answer.text
    assert client.get("/v1/labelled-sets").json()["items"] == []


def test_a_preview_tells_what_comes_of_rows_and_stops_what_is_hostile(client: TestClient) -> None:
    labelled = rows(client)["id"]
    template_set = templates(client)["id"]
    address = f"/v1/template-sets/{template_set}/preview?labelled_set_id={labelled}"
    found = client.get(address).json()["items"]
    assert [(each["row"], each["template"], each["target"], each["skipped"]) for each in found] == [
        (0, "how is it", "rain", None),
        (0, "report", None, "no_separator"),
        (1, "how is it", "sun", None),
        (1, "report", "No cloud.", None),
    ]
    only = client.get(f"{address}&rows=1&template=report").json()["items"]
    assert [(each["row"], each["template"]) for each in only] == [(0, "report")]
    assert client.get(f"{address}&template=none").status_code == 422
    assert client.get(f"{address}&rows=1000").status_code == 422
    hostile = templates(client, one_template(jinja=HOSTILE))["id"]
    found = client.get(f"/v1/template-sets/{hostile}/preview?labelled_set_id={labelled}").json()
    assert {each["skipped"] for each in found["items"]} == {"forbidden"}


def test_a_job_without_a_teacher(client: TestClient) -> None:
    body = {
        "method": "template",
        "labelled_set_id": rows(client)["id"],
        "template_set_id": templates(client)["id"],
    }
    estimate = client.post("/v1/estimates", json=body).json()
    assert (estimate["rows"], estimate["calls"], estimate["micro_usd"]) == (
        4, {"expected": 0, "most": 0}, {"expected": 0, "most": 0}
    )  # fmt: skip
    job = client.post("/v1/jobs", json=body).json()
    assert (job["teacher_id"], job["seed_set_id"], job["target_rows"]) == (None, None, 4)
    assert job["links"]["template_set"] == f"/v1/template-sets/{body['template_set_id']}"
    assert job["links"]["teacher"] is None
    assert client.get(f"/v1/jobs/{job['id']}").json()["gate"] is None
    for family in ("template-sets", "labelled-sets"):
        used = body[family.replace("-", "_").removesuffix("s") + "_id"]
        refused = client.delete(f"/v1/{family}/{used}")
        assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    mix = {"method": "mix", "sources": [{"job_id": job["id"], "weight": 0.5}]}
    refused = client.post("/v1/jobs", json=mix).json()
    assert (refused["errors"][0]["pointer"], refused["errors"][0]["code"]) == (
        "/sources/0/job_id",
        "not_finished",
    )
    assert client.get(f"/v1/jobs/{job['id']}/sources").json()["items"] == []
    assert client.post(f"/v1/jobs/{job['id']}/cancel").status_code == 200
    assert "cultivar_jobs" in client.get("/metrics").text


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"method": "mix"}, ["/sources"]),
        ({"method": "template", "target_rows": 0}, ["/labelled_set_id", "/target_rows"]),
        ({}, ["/seed_set_id", "/target_rows", "/teacher_id"]),
        ({"method": "mix", "sources": [{"job_id": 7}]}, ["/sources/0/job_id"]),
        ({"method": "mix", "sources": [{"weight": 1}]}, ["/sources/0/job_id"]),
    ],
)
def test_what_a_body_lacks_is_told_all_at_once(
    client: TestClient, body: Mapping[str, Any], pointers: list[str]
) -> None:
    answer = client.post("/v1/jobs", content=json.dumps(body), headers=JSON)
    assert answer.status_code == 422
    assert sorted(each["pointer"] for each in answer.json()["errors"]) == pointers
