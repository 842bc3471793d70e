"""The audit log on a real Postgres: it tells what was done, and cannot be changed or cut."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError
from starlette.testclient import TestClient

from app.domain.audit import read_link
from app.runtime import Runtime
from app.use_cases import api_keys, audit, seed_sets, teachers
from app.use_cases.api_keys import KeyDetails
from app.use_cases.seed_sets import SeedSetDetails
from tests.api.stored_job import stored_seed_set, stored_teacher

LOG = "/v1/audit-log"
TEACHER = {
    "name": "canary-name",
    "base_url": "https://teacher.example/v1",
    "model": "m",
    "api_key": "sk-canary-key-1234567",
}


def entries(client: TestClient, **query: str) -> list[Mapping[str, Any]]:
    """What was done, in order."""
    return list(reversed(client.get(LOG, params=query).json()["items"]))


def test_who_did_what_from_where_and_how_it_came_out(client: TestClient, runtime: Runtime) -> None:
    admin = api_keys.create(runtime, KeyDetails("ops", ["admin"]))
    reader = api_keys.create(runtime, KeyDetails("eyes", ["jobs:read"]))
    with_admin = {"Authorization": f"Bearer {admin.text}"}
    seeds = str(stored_seed_set(runtime))
    teacher = client.post("/v1/teachers", json=TEACHER, headers=with_admin).json()["id"]
    client.patch(f"/v1/teachers/{teacher}", json={"max_concurrency": 3}, headers=with_admin)
    priced = str(stored_teacher(runtime))
    body = {"seed_set_id": seeds, "teacher_id": priced, "target_rows": 5, "cap_micro_usd": 77}
    job = client.post("/v1/jobs", json=body, headers=with_admin).json()["id"]
    client.patch(f"/v1/jobs/{job}", json={"cap_micro_usd": 99}, headers=with_admin)
    export = {"job_id": job, "format": "alpaca"}
    export_id = client.post("/v1/exports", json=export, headers=with_admin).json()["id"]
    client.delete(f"/v1/exports/{export_id}", headers=with_admin)
    client.delete(f"/v1/teachers/{teacher}", headers=with_admin)
    denied = client.delete(f"/v1/jobs/{job}", headers={"Authorization": f"Bearer {reader.text}"})
    assert denied.status_code == 403
    found = entries(client)
    people = {admin.key.prefix, reader.key.prefix}
    told = [(each["action"], each["outcome"]) for each in found if each["actor"] in people]
    wanted = [
        ("teacher.add", "done"),
        ("teacher.change", "done"),
        ("job.submit", "done"),
        ("job.change", "done"),
        ("export.request", "done"),
        ("export.delete", "done"),
        ("teacher.delete", "done"),
        ("auth.denied", "refused"),
    ]
    assert told == wanted
    by_action = {each["action"]: each for each in found}
    change = by_action["teacher.change"]
    assert (change["actor"], change["address"]) == (admin.key.prefix, "testclient")
    assert change["facts"] == {"fields": ["max_concurrency"]}
    assert by_action["job.submit"]["facts"]["cap_micro_usd"] == 77
    assert by_action["job.change"]["facts"]["cap_micro_usd"] == 99
    assert by_action["auth.denied"]["facts"] == {"scope": "jobs:write"}
    assert by_action["auth.denied"]["actor"] == reader.key.prefix
    everything = client.get(LOG).text
    for secret in ("canary", admin.text[-20:], reader.text[-20:]):
        assert secret not in everything
    assert client.get(f"{LOG}/verification").json()["whole"]
    assert [each["action"] for each in entries(client, action="teacher.add")][-1] == "teacher.add"


def test_nothing_in_a_name_breaks_a_line(client: TestClient, runtime: Runtime) -> None:
    """Line ends, escapes of terminals and endless names, where somebody from outside sets them."""
    reader = api_keys.create(runtime, KeyDetails("eyes", ["jobs:read"]))
    headers = {"Authorization": f"Bearer {reader.text}"}
    path = "/v1/api-keys/%0d%0aFORGED%1b%5b31m%E2%80%AE" + "x" * 1000
    assert client.get(path, headers=headers).status_code == 403
    subject = entries(client, action="auth.denied")[-1]["subject"]
    assert subject.startswith("GET /v1/api-keys/??FORGED?[31m?x")
    assert len(subject) == 200


def test_a_refused_change_leaves_no_entry_and_an_entry_no_refused_change(
    client: TestClient, runtime: Runtime
) -> None:
    client.post("/v1/teachers", json=TEACHER)
    before = len(entries(client))
    assert client.post("/v1/teachers", json=TEACHER).status_code == 409
    assert len(entries(client)) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'eve'",
        "DELETE FROM audit_log",
        "DELETE FROM audit_log WHERE false",
        "TRUNCATE audit_log",
        "TRUNCATE audit_log, jobs CASCADE",
    ],
)
def test_postgres_refuses_to_change_it(shared: Any, statement: str) -> None:
    runtime, _, _ = shared
    with (
        pytest.raises(ProgrammingError, match="audit_log only grows"),
        runtime.database.transaction() as connection,
    ):
        connection.execute(sa.text(statement))


def test_whoever_gets_round_the_trigger_is_found_out(runtime: Runtime) -> None:
    for name in "abc":
        teachers.add(runtime, teachers.TeacherDetails(name, "https://a.example/v1", "m"))
    head = read_link(str(audit.verify(runtime).head))
    assert audit.verify(runtime, head).problem is None
    _by_force(runtime, "UPDATE audit_log SET subject = 'other' WHERE number = 2")
    assert audit.verify(runtime).broken_at == 2
    _by_force(runtime, "DELETE FROM audit_log WHERE number >= 2")
    assert audit.verify(runtime).problem is None
    assert audit.verify(runtime, head).problem == "the end of the log was cut off"


def _by_force(runtime: Runtime, statement: str) -> None:
    """As the owner of the database can."""
    with runtime.database.transaction() as connection:
        for each in ("DISABLE", "ENABLE"):
            connection.execute(sa.text(f"ALTER TABLE audit_log {each} TRIGGER USER"))
            if each == "DISABLE":
                connection.execute(sa.text(statement))


def test_many_at_once_make_one_chain(runtime: Runtime) -> None:
    def add(number: int) -> None:
        details = SeedSetDetails(name=f"set {number}")
        line = b'{"instruction": "Name river %d."}\n' % number
        made = seed_sets.add(runtime, details, [line]).seed_set.id
        seed_sets.delete(runtime, made)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(24)))
    found = audit.verify(runtime)
    assert (found.entries, found.problem) == (24, None)
