"""Uploads to a hub: against a fake that the hub's own client takes for one, too."""

import hashlib
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.embedded.migrate import ROOT
from app.errors import InvalidInput, StoreFailure
from app.files.hub_store import Hub, HubTarget
from app.files.pushed_file import PushedFile, pushed
from tests.fake_hub import TOKEN, FakeHub, fake_hub

TARGET = HubTarget("rose/garden")
SMALL, LARGE = b"# Card\n", bytes(range(256)) * 9


def files(folder: Path) -> list[PushedFile]:
    path = folder / "rows.jsonl"
    path.write_bytes(LARGE)
    return [pushed("data/rows.jsonl", path), pushed("README.md", SMALL), pushed("empty", b"")]


def push(hub: FakeHub, folder: Path, token: str = TOKEN) -> str:
    with Hub(hub.url, SecretStr(token)) as client:
        return client.push(TARGET, files(folder), "rows of a garden")


@pytest.mark.parametrize("parted", [1 << 40, 2000])
def test_files_lie_in_the_repository_as_they_were(tmp_path: Path, parted: int) -> None:
    """Small ones in the commit, large ones whole or in parts beside it."""
    with fake_hub(parted=parted) as hub:
        assert push(hub, tmp_path) == f"{hub.url}/datasets/rose/garden/commit/1"
        assert hub.files == {"data/rows.jsonl": LARGE, "README.md": SMALL, "empty": b""}
        assert hub.repos == {"rose/garden": True}
        assert list(hub.objects) == [hashlib.sha256(LARGE).hexdigest()]
        assert len(hub.parts.get(hashlib.sha256(LARGE).hexdigest(), {})) == (
            4 if parted == 2000 else 0
        )
        before = len(hub.requests)
        push(hub, tmp_path)
        assert not any(path.startswith("/storage") for _, path, _ in hub.requests[before:])
        assert hub.summaries == ["rows of a garden"] * 2


def test_the_token_goes_to_the_hub_alone_and_into_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), fake_hub() as hub:
        push(hub, tmp_path)
        with pytest.raises(StoreFailure) as refused:
            push(hub, tmp_path, "hf_anothersecret")
    told = [path for _, path, headers in hub.requests if "authorization" in headers]
    assert not any(path.startswith("/storage") for path in told)
    assert refused.value.detail == (
        "The hub refused to create the repository: 401 Invalid username or password."
    )
    for text in (TOKEN, "hf_anothersecret", "signature"):
        assert text not in caplog.text


def test_failures_are_told_by_what_was_being_done(tmp_path: Path) -> None:
    with fake_hub() as hub, pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "_kept", lambda digest, body: (500, {}, {"error": "full"}))
        with pytest.raises(StoreFailure, match=r"refused to send data/rows\.jsonl: 500 full"):
            push(hub, tmp_path)
        assert hub.files == {}
    with pytest.raises(StoreFailure, match="could not be reached to create the repository"):
        push(hub, tmp_path)


@pytest.mark.parametrize(
    "target", [HubTarget("garden"), HubTarget("a/../b"), HubTarget("a/b", revision="../x")]
)
def test_only_a_repository_and_a_branch_are_taken(target: HubTarget) -> None:
    with pytest.raises(InvalidInput, match="cannot be pushed there"):
        target.check()


def test_the_official_client_takes_the_fake_for_a_hub(tmp_path: Path) -> None:
    """So what the fake asks for is what a hub asks for."""
    pytest.importorskip("huggingface_hub")
    files(tmp_path)
    script = """
import sys
from huggingface_hub import HfApi
api = HfApi(endpoint=sys.argv[1], token=sys.argv[2])
api.create_repo("rose/garden", repo_type="dataset", private=True, exist_ok=True)
api.upload_folder(repo_id="rose/garden", repo_type="dataset", folder_path=sys.argv[3])
"""
    with fake_hub(parted=2000) as hub:
        environment = {
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HOME": str(tmp_path / "home"),
            "HF_ENDPOINT": hub.url,
            "PATH": "/usr/bin",
        }
        command = [sys.executable, "-c", script, hub.url, TOKEN, str(tmp_path)]
        done = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert hub.files == {"rows.jsonl": LARGE}
