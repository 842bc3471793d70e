"""Finished exports pushed to a hub and to an S3-compatible store, by every face that can."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.cli.main import main
from app.errors import Conflict, InvalidInput, StoreFailure
from app.files.hub_store import HubTarget
from app.files.s3_store import S3Target
from app.main import build_app
from app.runtime import Runtime
from app.use_cases import audit, exports, pushing
from tests.api.stored_job import stored_job
from tests.driving import running_runtime
from tests.entry import WITH_TOKEN, give_token
from tests.fake_hub import TOKEN, FakeHub, fake_hub

CONTENT = {"data/alpaca_jsonl.jsonl", "README.md", "manifest.json"}


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub(large=100) as hub:
        yield hub


@pytest.fixture
def runtime(database_url: str, tmp_path: Path, hub: FakeHub) -> Iterator[Runtime]:
    """One that knows a hub and its token."""
    home, token = tmp_path / "home", SecretStr(TOKEN)
    settings: dict[str, Any] = {"hub_endpoint": hub.url, "hub_token": token}
    give_token(home)
    with running_runtime(database_url, home, **settings) as runtime:
        yield runtime


def made(runtime: Runtime) -> UUID:
    return exported(runtime, stored_job(runtime).job.id)


def exported(runtime: Runtime, job_id: UUID, **packaging: object) -> UUID:
    record = exports.request(runtime, job_id, "alpaca_jsonl", {}, packaging)
    exports.make(runtime, record.id)
    return record.id


def test_an_export_lies_on_the_hub_with_its_card(runtime: Runtime, hub: FakeHub) -> None:
    export_id = made(runtime)
    record, path = exports.file(runtime, export_id)
    found = pushing.to_hub(runtime, export_id, HubTarget("rose/garden"))
    assert found.where == f"{hub.url}/datasets/rose/garden/commit/1"
    assert hub.files.keys() == CONTENT
    assert hub.files["data/alpaca_jsonl.jsonl"] == path.read_bytes()
    assert hub.files["README.md"].decode() == exports.card(runtime, export_id)
    assert json.loads(hub.files["manifest.json"])["sha256"] == record.sha256
    assert str(record.sha256) in hub.summaries[0]
    (noted,) = audit.page(runtime, action="export.push").items
    assert (noted.subject, noted.facts) == (str(export_id), {"to": "hub", "where": "rose/garden"})
    bundle = exported(runtime, record.job_id, bundle=True)
    pushing.to_hub(runtime, bundle, HubTarget("rose/bundle"))
    assert {"README.md", "manifest.json", "dataset_info.json", "axolotl.yaml"} < hub.files.keys()
    assert not list(runtime.exports_directory.glob("push-*"))


def test_over_rest_with_the_services_own_token(runtime: Runtime, hub: FakeHub) -> None:
    export_id = made(runtime)
    app = build_app(runtime)
    with TestClient(app, base_url="http://localhost", headers=WITH_TOKEN) as client:
        address = f"/v1/exports/{export_id}/push"
        to_hub = f"{address}/hub"
        answer = client.post(to_hub, json={"repo": "rose/garden", "private": False})
        assert answer.status_code == 200, answer.text
        assert {each["path"] for each in answer.json()["files"]} == CONTENT
        assert (hub.repos, TOKEN in answer.text) == ({"rose/garden": False}, False)
        for to, body, pointer in (
            ("hub", {"repo": "garden"}, "/repo"),
            ("s3", {"bucket": "No Bucket"}, "/bucket"),
            ("hub", {"repo": "a/b", "endpoint": "http://evil"}, "/endpoint"),
            ("hub", {}, "/repo"),
        ):
            answer = client.post(f"{address}/{to}", json=body)
            assert answer.status_code == 422, answer.text
            assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
        hub.answer = lambda *_: (503, {}, {"error": "asleep"})  # type: ignore[method-assign]
        answer = client.post(to_hub, json={"repo": "rose/garden"})
        assert (answer.status_code, answer.json()["code"]) == (502, "store_failed")
        assert "503 asleep" in answer.json()["detail"]


def test_from_the_command_line_with_a_token_in_a_file(
    runtime: Runtime,
    hub: FakeHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    export_id = made(runtime)
    settings = runtime.settings
    monkeypatch.setenv("CULTIVAR_DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("CULTIVAR_HOME", str(settings.home))
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    given = ["exports", "push", str(export_id), "--hub", "rose/garden", "--endpoint", hub.url]
    assert main([*given, "--token-file", str(token)]) == 0
    assert hub.files.keys() == CONTENT
    assert hub.url in capfd.readouterr().out
    for wrong, words in (
        ([*given], "wants a token"),
        ([*given, "--token-file", str(tmp_path / "none")], "cannot be read"),
        (["exports", "push", str(export_id)], "--hub or --s3"),
    ):
        assert main(wrong) == 2
        assert words in capfd.readouterr().err


def test_only_a_finished_export_and_only_with_a_token(runtime: Runtime, hub: FakeHub) -> None:
    job = stored_job(runtime).job
    queued = exports.request(runtime, job.id, "alpaca_jsonl")
    with pytest.raises(Conflict, match="queued"):
        pushing.to_hub(runtime, queued.id, HubTarget("rose/garden"))
    exports.make(runtime, queued.id)
    for token in (" ", "häß"):
        with pytest.raises(InvalidInput, match="token"):
            pushing.to_hub(runtime, queued.id, HubTarget("a/b"), token=SecretStr(token))
    with pytest.raises(StoreFailure, match="401"):
        pushing.to_hub(runtime, queued.id, HubTarget("a/b"), token=SecretStr("hf_wrong"))
    assert hub.files == {}


def test_an_export_lies_in_a_bucket(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against moto, which speaks S3's protocol over HTTP."""
    boto3 = pytest.importorskip("boto3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "secretsecret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    export_id = made(runtime)
    _, path = exports.file(runtime, export_id)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        client = boto3.client("s3", endpoint_url=endpoint)
        client.create_bucket(Bucket="garden")
        target = S3Target("garden", "/sets/one/")
        found = pushing.to_s3(runtime, export_id, target, endpoint=endpoint)
        assert found.where == "s3://garden/sets/one"
        keys = {each["Key"] for each in client.list_objects_v2(Bucket="garden")["Contents"]}
        assert keys == {f"sets/one/{each}" for each in CONTENT}
        stored = client.get_object(Bucket="garden", Key="sets/one/data/alpaca_jsonl.jsonl")
        content = stored["Body"].read()
        assert content == path.read_bytes()
        assert stored["Metadata"] == {"sha256": hashlib.sha256(content).hexdigest()}
        with pytest.raises(StoreFailure, match="did not take the export"):
            pushing.to_s3(runtime, export_id, S3Target("nowhere"), endpoint=endpoint)
    finally:
        server.stop()
