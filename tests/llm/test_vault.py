"""Keys at rest: sealed, bound to their teacher and origin, and never readable by others."""

import threading
from pathlib import Path

import pytest

from app.db.ids import new_id
from app.errors import Conflict, InvalidInput
from app.llm.master_keys import read_master_key
from app.llm.vault import Vault, origin

KEY = "sk-test-0123456789"


def test_a_key_opens_for_its_teacher_and_origin_only() -> None:
    vault, teacher_id = Vault(b"k" * 32), new_id()
    sealed = vault.seal(KEY, teacher_id, "https://api.example.com/v1")
    assert KEY.encode() not in sealed
    assert vault.open(sealed, teacher_id, "https://api.example.com:443/v2") == KEY
    for other_id, url in [
        (new_id(), "https://api.example.com/v1"),
        (teacher_id, "https://evil.example.com/v1"),
        (teacher_id, "http://api.example.com/v1"),
        (teacher_id, "https://api.example.com:8443/v1"),
    ]:
        with pytest.raises(Conflict) as caught:
            vault.open(sealed, other_id, url)
        assert caught.value.code == "key_reentry_required"
        assert KEY not in str(caught.value)


def test_another_master_key_opens_nothing() -> None:
    teacher_id = new_id()
    sealed = Vault(b"k" * 32).seal(KEY, teacher_id, "https://a/v1")
    with pytest.raises(Conflict):
        Vault(b"x" * 32).open(sealed, teacher_id, "https://a/v1")


def test_the_same_key_is_sealed_differently_each_time() -> None:
    vault, teacher_id = Vault(b"k" * 32), new_id()
    assert vault.seal(KEY, teacher_id, "https://a") != vault.seal(KEY, teacher_id, "https://a")


def test_origin_is_scheme_host_and_port() -> None:
    assert origin("https://API.example.com/v1?x") == "https://api.example.com:443"
    assert origin("http://host:8000/v1") == "http://host:8000"


def test_a_fresh_key_file_is_private_and_stays_the_same(tmp_path: Path) -> None:
    first = read_master_key(None, tmp_path)
    assert len(first) == 32
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
    assert read_master_key(None, tmp_path) == first


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(read_master_key(None, tmp_path)))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    read_master_key(None, tmp_path)
    (tmp_path / "master.key").chmod(0o644)
    with pytest.raises(InvalidInput, match="chmod 600"):
        read_master_key(None, tmp_path)


@pytest.mark.parametrize("text", ["", "not base64!", "c2hvcnQ="])
def test_a_malformed_key_is_refused_without_being_repeated(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_master_key(text, tmp_path)
    assert "32 bytes" in str(caught.value)
