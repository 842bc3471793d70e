"""Row 12 of the security table: the master key changes under 1,000 teachers, killed on the way."""

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from app.db import teachers as queries
from app.db.ids import new_id
from app.db.tables import teachers as table
from app.domain.stored import TeacherRecord
from app.errors import Conflict, InvalidInput
from app.llm.master_keys import FILE, PEPPER, PREVIOUS, begin_rotation, read_master_key
from app.llm.vault import Vault
from app.runtime import Runtime, build_runtime
from app.settings import Settings
from app.use_cases import audit, key_rotation, teachers
from app.use_cases.teachers import TeacherDetails

ROOT = Path(__file__).parents[2]
MANY = 1_000
KILLED = """
import os, signal
from app.db import teachers as queries
from app.runtime import build_runtime
from app.settings import Settings
from app.use_cases import key_rotation
left, update = {updates}, queries.update
def deadly(*arguments):
    global left
    update(*arguments)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
queries.update = deadly
key_rotation.rotate(build_runtime(Settings()))
"""


def open_runtime(database_url: str, home: Path, **settings: object) -> Runtime:
    return build_runtime(Settings(database_url=database_url, home=home, **settings))  # type: ignore[arg-type]


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    runtime = open_runtime(database_url, tmp_path)
    yield runtime
    runtime.close()


def secret(number: int) -> str:
    return f"sk-{number:024}"


def add_many(runtime: Runtime) -> None:
    """Teachers with keys, stored in one statement; every tenth sealed as before there were ids."""
    pattern = teachers.add(runtime, TeacherDetails("t", "https://teacher.example/v1", "m"))
    values = {name: getattr(pattern, name) for name in TeacherRecord.__slots__}
    rows: list[dict[str, object]] = []
    for number in range(MANY):
        teacher_id = new_id()
        sealed = runtime.vault.seal(secret(number), teacher_id, pattern.base_url)
        sealed = sealed[11:] if number % 10 == 0 else sealed
        rows.append(values | {"id": teacher_id, "name": f"t{number}", "sealed_key": sealed})
    with runtime.database.transaction() as connection:
        connection.execute(table.insert(), rows)


def opened(runtime: Runtime) -> list[str | None]:
    """Every key, by the teachers' names."""
    with runtime.database.transaction() as connection:
        rows = connection.execute(sa.select(table).where(table.c.sealed_key.is_not(None))).all()
    found = [TeacherRecord(**row._asdict()) for row in rows]
    found.sort(key=lambda record: int(record.name[1:]))
    keys = [teachers.to_llm(runtime, record).api_key for record in found]
    return [key.get_secret_value() if key is not None else None for key in keys]


def test_rotation_of_many_keys_survives_kill_9(
    runtime: Runtime, database_url: str, tmp_path: Path
) -> None:
    add_many(runtime)
    before, digest = read_master_key(None, tmp_path), runtime.vault.digest("a key that we gave out")
    environment = {
        **os.environ,
        "CULTIVAR_DATABASE_URL": database_url,
        "CULTIVAR_HOME": str(tmp_path),
    }
    command = [sys.executable, "-c", KILLED.format(updates=350)]
    ended = subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=100)
    assert ended.returncode == -signal.SIGKILL
    wanted = [secret(number) for number in range(MANY)]
    assert opened(runtime) == wanted  # by a process that began with the old key
    with pytest.raises(Conflict) as raised:
        key_rotation.forget_previous(runtime)
    assert raised.value.code == "rotation_unfinished"
    rotated = key_rotation.rotate(runtime)
    assert (rotated.resealed, rotated.unreadable) == (MANY - 300, [])
    assert key_rotation.rotate(runtime).resealed == 0
    assert key_rotation.forget_previous(runtime)
    actions = [each.action for each in audit.page(runtime).items]
    assert actions[:3] == ["master_key.forget", *["master_key.rotate"] * 2]
    assert sorted(path.name for path in tmp_path.iterdir()) == [PEPPER, FILE]
    fresh = open_runtime(database_url, tmp_path)
    assert fresh.vault.digest("a key that we gave out") == digest
    assert opened(fresh) == wanted
    fresh.close()
    assert before != read_master_key(None, tmp_path)


def test_a_running_process_seals_with_the_new_key(runtime: Runtime, tmp_path: Path) -> None:
    begin_rotation(tmp_path)
    details = TeacherDetails("new", "https://t.example/v1", "m", api_key=SecretStr(secret(1)))
    added = teachers.add(runtime, details)
    assert added.sealed_key is not None
    assert added.sealed_key.startswith(Vault(read_master_key(None, tmp_path)).newest())
    assert key_rotation.rotate(runtime).resealed == 0


def test_a_key_of_unknown_origin_is_named_and_left(runtime: Runtime) -> None:
    details = TeacherDetails("lost", "https://t.example/v1", "m", api_key=SecretStr(secret(1)))
    lost = teachers.add(runtime, details)
    with runtime.database.transaction() as connection:
        queries.update(connection, lost.id, {"sealed_key": b"another master key's"})
    rotated = key_rotation.rotate(runtime)
    assert (rotated.resealed, rotated.unreadable) == (0, ["lost"])
    with pytest.raises(Conflict, match="lost"):
        key_rotation.forget_previous(runtime)


def test_swapped_keys_do_not_open(runtime: Runtime) -> None:
    """Row 1: what was sealed for one teacher is worth nothing in another's row."""
    urls = ("https://one.example/v1", "https://two.example/v1")
    one, two = (
        teachers.add(runtime, TeacherDetails(f"t{at}", url, "m", api_key=SecretStr(secret(at))))
        for at, url in enumerate(urls)
    )
    with runtime.database.transaction() as connection:
        queries.update(connection, one.id, {"sealed_key": two.sealed_key})
    with pytest.raises(Conflict) as raised:
        teachers.to_llm(runtime, teachers.get(runtime, one.id))
    assert raised.value.code == "key_reentry_required"


def test_keys_of_the_environment_are_rotated_with_both(database_url: str, tmp_path: Path) -> None:
    old, new = (base64.b64encode(letter * 32).decode() for letter in (b"a", b"b"))
    first = open_runtime(database_url, tmp_path, master_key=SecretStr(old))
    details = TeacherDetails("t", "https://t.example/v1", "m", api_key=SecretStr(secret(1)))
    teachers.add(first, details)
    digest = first.vault.digest("x")
    with pytest.raises(InvalidInput, match="CULTIVAR_PREVIOUS_MASTER_KEY"):
        key_rotation.rotate(first)
    first.close()
    both = {"master_key": SecretStr(new), "previous_master_key": SecretStr(old)}
    second = open_runtime(database_url, tmp_path, **both)
    assert second.vault.digest("x") == digest
    assert key_rotation.rotate(second).resealed == 1
    second.close()
    third = open_runtime(database_url, tmp_path, master_key=SecretStr(new))
    record = teachers.page(third).items[0]
    key = teachers.to_llm(third, record).api_key
    assert key is not None
    assert key.get_secret_value() == secret(1)
    assert not (tmp_path / FILE).exists()
    assert third.vault.digest("x") == digest
    third.close()


def test_a_rotation_cut_off_between_its_files_goes_on(tmp_path: Path) -> None:
    old = read_master_key(None, tmp_path)
    os.link(tmp_path / FILE, tmp_path / PREVIOUS)  # killed before the new key was in place
    assert begin_rotation(tmp_path)
    assert not begin_rotation(tmp_path)
    assert read_master_key(None, tmp_path) != old
    assert base64.b64decode((tmp_path / PREVIOUS).read_text()) == old
    for path in (tmp_path / FILE, tmp_path / PREVIOUS):
        assert path.stat().st_mode & 0o777 == 0o600
