"""Rows 17 and 19 of the security table: names of files, and words of SQL, are labels."""

from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from app.runtime import Runtime
from tests.api.conftest import Shared
from tests.api.world import row_counts

ORIGIN = {"Origin": "http://localhost"}
LINE = b'{"instruction": "Name the %d. river."}\n'
JSONL = {"content-type": "application/x-ndjson"}
NAMES = (
    "../../etc/passwd", "..\\..\\windows\\system32", "/etc/passwd", "C:\\boot.ini", "CON",
    "nul.txt", "%2e%2e%2fetc%2fpasswd", "a" * 255, "....//....//etc", "file:///etc/passwd",
    ".", "..", "~root", "\u202egpj.exe", "a\u2028b", "-rf", "|id", "$(id)", "`id`", "con .jsonl",
    "\uff0e\uff0e\uff0fetc",
)  # fmt: skip
SQL = (
    "' OR '1'='1", "'; DROP TABLE jobs; --", '" OR 1=1 --', "1); SELECT pg_sleep(9); --", "%", "_",
    "\\", "%' ESCAPE '", "${jndi:ldap://x}", "1 UNION SELECT sealed_key FROM teachers", "$$",
    "E'\\x'", "(((((((a+)+)+)+)+)+)+)$", "::int", ":name", "%(name)s", "{0}", "?",
    "\u02bc OR 1=1", "'||'",
)  # fmt: skip
PARAMETERS = (
    "/v1/jobs?state=", "/v1/jobs?cursor=", "/v1/jobs?limit=", "/v1/seed-sets?cursor=",
    "/v1/jobs/{job}/candidates?reason=", "/v1/rows?job_id={job}&text=",
    "/v1/rows?job_id={job}&reason=", "/v1/rows?job_id={job}&state=", "/v1/teachers?sort=",
    "/dashboard/jobs/{job}/rows?text=", "/dashboard/jobs/{job}/rows?reason=",
    "/v1/methods/", "/v1/exports/", "/problems/", "/dashboard/jobs/",
)  # fmt: skip


def files(home: Path) -> set[Path]:
    """Everything below a directory and beside it."""
    return {path for path in home.parent.rglob("*") if "uploads" not in path.parts}


def as_a_form(name: str, number: int) -> bytes:
    """A form of the dashboard whose file is called so."""
    disposition = f'form-data; name="file"; filename="{name}"'.encode()
    return b"\r\n".join(
        [
            b"--x",
            b'Content-Disposition: form-data; name="name"\r\n\r\nriver',
            b"--x",
            b"Content-Disposition: " + disposition + b"\r\n\r\n" + LINE % number,
            b"--x--\r\n",
        ]
    )


def test_names_are_labels(client: TestClient, runtime: Runtime) -> None:
    headers = ORIGIN | {"content-type": "multipart/form-data; boundary=x"}
    before = files(runtime.settings.home)
    for at, name in enumerate(NAMES):
        where = f"/v1/seed-sets?name={quote(name)}"
        added = client.post(where, content=LINE % (2 * at), headers=JSONL)
        assert added.status_code in (201, 422), (name, added.text)
        form = as_a_form(name, 2 * at + 1)
        sent = client.post("/dashboard/seed-sets", content=form, headers=headers)
        assert sent.status_code < 500, (name, sent.text)
        if added.status_code == 201:
            assert added.json()["name"] == name
            told = _told_on_download(client, added.json()["id"])
            assert told.isascii(), name
            assert told.isprintable(), name
            assert ".." not in told, name
    assert files(runtime.settings.home) == before


def _told_on_download(client: TestClient, seed_set_id: str) -> str:
    shown = client.get(f"/v1/seed-sets/{seed_set_id}/download")
    assert shown.status_code == 200
    return shown.headers.get("content-disposition", "")


def test_a_link_in_the_place_of_a_directory_leads_nowhere(
    client: TestClient, runtime: Runtime, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret.jsonl").write_text("canary")
    directory = runtime.settings.home / "exports"
    directory.mkdir(exist_ok=True)
    (directory / "link.jsonl").symlink_to(elsewhere / "secret.jsonl")
    for given in (
        "link.jsonl",
        "link",
        "../elsewhere/secret.jsonl",
        "..%2felsewhere%2fsecret.jsonl",
    ):
        for path in (f"/v1/exports/{given}/download", f"/dashboard/static/{given}"):
            answer = client.get(path)
            assert answer.status_code == 404
            assert "canary" not in answer.text


@pytest.mark.parametrize("address", PARAMETERS)
def test_words_of_a_database_are_words(shared: Shared, address: str) -> None:
    runtime, client, world = shared
    before = row_counts(runtime)
    for name, value in world.names().items():
        address = address.replace(f"{{{name}}}", value)
    for text in SQL:
        answer = client.get(address + quote(text, safe=""), follow_redirects=False)
        assert answer.status_code < 500, (text, answer.text)
        assert "canary" not in answer.text
        assert not any(word in answer.text for word in ("psycopg", "sqlalchemy", "Traceback"))
        assert answer.elapsed.total_seconds() < 5
    assert row_counts(runtime) == before
