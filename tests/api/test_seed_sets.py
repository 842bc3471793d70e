"""Seed sets over HTTP: what comes in goes out again, byte for byte where it is text."""

import base64
import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.runtime import Runtime

JSONL = {"content-type": "application/x-ndjson"}
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
TASK: Mapping[str, Any] = {
    "id": "task_7",
    "name": "rivers",
    "instruction": "Name a river of the given country.",
    "instances": [{"input": "Peru", "output": "The Marañón."}],
    "is_classification": False,
}


def lines(*rows: Mapping[str, Any]) -> bytes:
    """Rows as JSONL."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def add(client: TestClient, body: bytes, query: str = "") -> Mapping[str, Any]:
    """The answer to an upload that must succeed."""
    answer = client.post(f"/v1/seed-sets?name=rivers{query}", content=body, headers=JSONL)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/seed-sets/{answer.json()['id']}"
    return answer.json()


def test_a_set_is_shown_as_it_was_described(client: TestClient) -> None:
    body = lines(TASK)
    query = "&language=zh-Hans&licence=CC0&source=by+hand&tokens=rouge"
    added = add(client, body, query)
    shown = client.get(f"/v1/seed-sets/{added['id']}").json()
    assert {**shown, "created": True, "report": added["report"]} == added
    expected = {"language": "zh-Hans", "licence": "CC0", "source": "by hand", "tokens": "rouge"}
    assert expected.items() <= shown.items()
    assert shown["sha256"] == hashlib.sha256(body).hexdigest()
    assert shown["row_count"] == 1


def test_tokens_follow_the_language(client: TestClient) -> None:
    assert add(client, lines(TASK))["tokens"] == "rouge"
    other = {**TASK, "instruction": "Nenne einen Fluss."}
    assert add(client, lines(other), "&language=de")["tokens"] == "unicode"


def test_the_same_file_twice_is_one_set(client: TestClient) -> None:
    first = add(client, lines(TASK))
    again = client.post("/v1/seed-sets?name=other", content=lines(TASK), headers=JSONL)
    assert again.status_code == 200
    assert again.json()["created"] is False
    assert (again.json()["id"], again.json()["name"]) == (first["id"], "rivers")
    assert len(client.get("/v1/seed-sets").json()["items"]) == 1


def test_the_same_file_at_once_is_one_set(client: TestClient) -> None:
    body = lines(*({"instruction": f"Count to {at}."} for at in range(3000)))
    with ThreadPoolExecutor(8) as pool:
        posts = [
            pool.submit(client.post, "/v1/seed-sets?name=a", content=body, headers=JSONL)
            for _ in range(8)
        ]
        answers = [post.result() for post in posts]
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(client.get("/v1/seed-sets").json()["items"]) == 1


def test_download_gives_the_schema_that_was_uploaded(client: TestClient) -> None:
    flat = {"instruction": "Add.", "input": "1 and 2", "output": "3"}
    alone = {"instruction": "Sing."}
    seed_set_id = add(client, lines(TASK, flat, alone))["id"]
    answer = client.get(f"/v1/seed-sets/{seed_set_id}/download")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    first, second, third = [json.loads(line) for line in answer.text.splitlines()]
    assert first == TASK
    assert second["instances"] == [{"input": "1 and 2", "output": "3"}]
    assert third == {
        "id": "seed_task_2",
        "name": None,
        "instruction": "Sing.",
        "instances": [],
        "is_classification": None,
    }
    assert add(client, answer.content)["row_count"] == 3


def test_a_long_download_comes_whole(client: TestClient) -> None:
    rows = [{"instruction": f"Count to {at}. {'x' * 100}"} for at in range(4500)]
    seed_set_id = add(client, lines(*rows))["id"]
    answer = client.get(f"/v1/seed-sets/{seed_set_id}/download")
    got = [json.loads(line)["instruction"] for line in answer.text.splitlines()]
    assert got == [row["instruction"] for row in rows]


@pytest.mark.parametrize(
    ("body", "count"),
    [
        pytest.param(b"\xef\xbb\xbf" + lines(TASK), 1, id="BOM"),
        pytest.param(lines(TASK).replace(b"\n", b"\r\n"), 1, id="CRLF"),
        pytest.param(lines(TASK).rstrip(), 1, id="no final newline"),
        pytest.param(b"\n \n" + lines(TASK) + b"\n\n" + lines({"instruction": "b"}), 2, id="blank"),
    ],
)
def test_harmless_variants_are_taken(client: TestClient, body: bytes, count: int) -> None:
    assert add(client, body)["row_count"] == count


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "{{7*7}} ${x} {seed}",
        "=cmd|' /C calc'!A0",
        "'; DROP TABLE seeds; --",
        "\u202eright to left\u202c and zero\u200bwidth",
        "שלום 👩‍👩‍👧 कि",
        "e\u0301 is not \u00e9",
        "tab\there, line\nthere",
        "../../etc/passwd",
        "\U0010ffff \ufeff end",
    ],
)
def test_texts_are_kept_byte_for_byte(client: TestClient, text: str) -> None:
    seed_set_id = add(client, lines({"instruction": text}))["id"]
    seeds = client.get(f"/v1/seed-sets/{seed_set_id}/seeds").json()["items"]
    assert seeds[0]["instruction"] == text
    line = client.get(f"/v1/seed-sets/{seed_set_id}/download").content
    assert json.loads(line)["instruction"] == text


def test_seeds_come_in_pages_in_file_order(client: TestClient) -> None:
    rows = [{"instruction": f"Seed {at}"} for at in range(7)]
    path = f"/v1/seed-sets/{add(client, lines(*rows))['id']}/seeds?limit=3"
    got, cursor, pages = [], "", 0
    while cursor is not None:
        page = client.get(path + (f"&cursor={cursor}" if cursor else "")).json()
        got += [seed["instruction"] for seed in page["items"]]
        cursor, pages = page["next"], pages + 1
    assert got == [row["instruction"] for row in rows]
    assert pages == 3


def test_sets_come_newest_first(client: TestClient) -> None:
    ids = [add(client, lines({"instruction": f"Seed {at}"}))["id"] for at in range(3)]
    first = client.get("/v1/seed-sets?limit=2").json()
    second = client.get(f"/v1/seed-sets?limit=2&cursor={first['next']}").json()
    assert [each["id"] for each in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None


def test_bad_lines_are_skipped_on_demand_and_named(client: TestClient) -> None:
    body = lines(TASK) + b"[]\n" + lines(TASK, {"instruction": "New."})
    report = add(client, body, "&on_error=skip")["report"]
    assert [(each["line"], each["code"]) for each in report["errors"]] == [
        (2, "not_an_object"),
        (3, "duplicate_row"),
    ]
    assert (report["error_count"], report["lines_read"], report["truncated"]) == (2, 4, False)


def test_duplicates_are_left_out_on_demand(client: TestClient) -> None:
    added = add(client, lines(TASK, TASK), "&dedupe=true")
    assert added["row_count"] == 1
    assert added["report"]["errors"] == []


@pytest.mark.parametrize("kind", ["application/jsonl", "Application/NDJSON; charset=UTF-8"])
def test_other_names_of_the_type_are_taken(client: TestClient, kind: str) -> None:
    headers = {"content-type": kind}
    answer = client.post("/v1/seed-sets?name=a", content=lines(TASK), headers=headers)
    assert answer.status_code == 201


def test_a_right_digest_passes(client: TestClient) -> None:
    digest = base64.b64encode(hashlib.sha256(lines(TASK)).digest()).decode()
    headers = JSONL | {"content-digest": f"sha-512=:AA==:, sha-256=:{digest}:"}
    answer = client.post("/v1/seed-sets?name=a", content=lines(TASK), headers=headers)
    assert answer.status_code == 201


def test_delete_removes_the_set(client: TestClient) -> None:
    seed_set_id = add(client, lines(TASK))["id"]
    assert client.delete(f"/v1/seed-sets/{seed_set_id}").status_code == 204
    assert client.get(f"/v1/seed-sets/{seed_set_id}").status_code == 404
    assert client.get("/v1/seed-sets").json() == {"items": [], "next": None}


def test_an_upload_leaves_no_file_behind(client: TestClient, runtime: Runtime) -> None:
    add(client, lines(TASK))
    client.post("/v1/seed-sets?name=a", content=b"[]\n", headers=JSONL)
    assert list((runtime.settings.home / "uploads").iterdir()) == []


REAL = DATA / "instruction_wild" / "user_2_with_bad_lines.jsonl"


@pytest.mark.skipif(not REAL.exists(), reason=f"no {REAL.name} here")
def test_a_real_upload_with_bad_lines(client: TestClient) -> None:
    body = REAL.read_bytes()
    refused = client.post("/v1/seed-sets?name=wild", content=body, headers=JSONL)
    assert refused.status_code == 422
    assert client.get("/v1/seed-sets").json()["items"] == []
    added = add(client, body, "&on_error=skip")
    assert added["row_count"] == 245
    found = [(each["line"], each["code"]) for each in added["report"]["errors"]]
    assert found == [(134, "json_syntax"), (168, "json_syntax"), (247, "duplicate_row")]
    assert refused.json()["errors"] == added["report"]["errors"]
