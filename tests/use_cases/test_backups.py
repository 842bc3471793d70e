"""A drill: a service at work is backed up, destroyed, restored, and goes on as if nothing was."""

import gzip
import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from pydantic import SecretStr

from app.db import copying
from app.embedded.migrate import migrate
from app.errors import Conflict, CultivarError, InsufficientStorage, InvalidInput
from app.files.backup_folder import written_backup
from app.runtime import Runtime
from app.use_cases import backups, exports, jobs
from app.use_cases.sweep import sweep
from tests.demo_teacher_process import RunningTeacher, start_demo_teacher
from tests.driving import Driver, add_seeds, add_teacher, running_driver, running_runtime
from tests.faults.bill import read_bill
from tests.servers import TestPostgres, plain

KEY = "sk-a-key-of-the-drill"


@dataclass(frozen=True)
class Drill:
    """A backup of a job that is half done, and what the service was when it was made."""

    folder: Path
    under_way: Path
    job_id: UUID
    export_id: UUID
    tables: Mapping[str, str]
    files: Mapping[str, str]
    log: Path
    teacher: RunningTeacher


def contents(runtime: Runtime) -> Mapping[str, str]:
    """The sha256 of each table's rows, sorted."""
    with runtime.database.transaction() as connection:
        found = {}
        for name in copying.tables(connection):
            columns = copying.columns(connection, name)
            lines = b"".join(copying.copy_out(connection, name, columns)).splitlines()
            found[name] = hashlib.sha256(b"\n".join(sorted(lines))).hexdigest()
        return found


def row_count(runtime: Runtime, table: str) -> int:
    """How many rows a table has."""
    with runtime.database.transaction() as connection:
        return copying.row_count(connection, table)


def digests(home: Path) -> Mapping[str, str]:
    """The sha256 of each export and of each file of a training run."""
    paths = [*home.glob("exports/**/*"), *home.glob("training/**/*")]
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.is_file()
    }


def a_run(runtime: Runtime, export_id: UUID) -> UUID:
    """A training run that has left something, without the hours that it takes."""
    run_id = uuid4()
    with psycopg.connect(plain(runtime.settings.database_url or "")) as connection:
        connection.execute(
            "INSERT INTO training_runs (id, export_id, base_model, method, settings, held_out,"
            " state) VALUES (%s, %s, 'tiny', 'lora', '{}', 0, 'succeeded')",
            (run_id, export_id),
        )
    folder = runtime.training_directory / str(run_id) / "adapter"
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(os.urandom(1 << 16))
    (runtime.training_directory / f"{run_id}.tar").write_bytes(b"packed")
    return run_id


def _advance(driver: Driver, job_id: UUID) -> None:
    while not driver.engine.stopping.is_set():
        driver.engine.advance(job_id)


@contextmanager
def half_done(runtime: Runtime, job_id: UUID) -> Iterator[None]:
    """Drive a job until rows are there; at the end of the block its calls are brought home."""
    with running_driver(runtime) as driver:
        thread = threading.Thread(target=_advance, args=(driver, job_id), daemon=True)
        thread.start()
        while jobs.progress(runtime, job_id).rows.get("accepted", 0) < 10:
            time.sleep(0.01)
            assert thread.is_alive()
        yield
        driver.engine.stop()
        thread.join(20)
    assert jobs.get(runtime, job_id).state == "running"


@pytest.fixture(scope="module")
def drill(
    postgres_server: TestPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Drill]:
    """Make data, back it up, and destroy what it was made from."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("kept") / "monday"
    log = tmp_path_factory.mktemp("teacher") / "log"
    name = f"cultivar_drill_{uuid4().hex}"
    url = postgres_server.create(name, template_database)
    with start_demo_teacher(latency_s=0.05, seed=5, log=log) as teacher:
        with running_runtime(url, home) as runtime:
            seed_set_id = add_seeds(runtime)
            teacher_id = add_teacher(
                runtime, teacher.base_url, api_key=SecretStr(KEY), max_concurrency=4
            ).id
            job = jobs.submit(runtime, jobs.JobDetails(seed_set_id, teacher_id, 60))
            with half_done(runtime, job.id):
                moment = tmp_path_factory.mktemp("kept") / "under-way"
                backups.back_up(runtime, moment)
            export_id = exports.request(runtime, job.id, "alpaca_jsonl").id
            exports.make(runtime, export_id)
            a_run(runtime, export_id)
            (runtime.exports_directory / f".{uuid4()}.part").write_bytes(b"passing")
            made = backups.back_up(runtime, folder)
            tables, files = contents(runtime), digests(home)
            assert (made.missing, made.with_master_key, made.files) == ([], False, 5)
        kept = {path: each for path, each in files.items() if not path.endswith(".part")}
        postgres_server.drop(name)
        (home / "master.key").rename(folder.parent / "master.key")
        shutil.rmtree(home)
        yield Drill(folder, moment, job.id, export_id, tables, kept, log, teacher)


@pytest.fixture
def new_home(drill: Drill, tmp_path: Path) -> Path:
    """A home of another machine, to which the master key was carried by itself."""
    home = tmp_path / "new"
    home.mkdir()
    shutil.copy(drill.folder.parent / "master.key", home / "master.key")
    return home


def restored(runtime: Runtime, folder: Path, **how: bool) -> backups.Restored:
    """Restore as the command does."""
    return backups.restore(
        runtime, folder, partial(migrate, runtime.settings.database_url or ""), **how
    )


def test_all_comes_back_and_the_job_goes_on_without_paying_twice(
    drill: Drill, new_home: Path, empty_database_url: str
) -> None:
    with running_runtime(empty_database_url, new_home) as runtime:
        found = restored(runtime, drill.folder)
        assert contents(runtime) == drill.tables
        assert digests(new_home) == drill.files
        assert found.keyless == []
        assert exports.file(runtime, drill.export_id)[1].exists()
        before = read_bill(drill.log).paid
        assert before == jobs.get(runtime, drill.job_id).calls > 0
        with running_driver(runtime) as driver:
            assert driver.finish(drill.job_id).reason == "target_reached"
        bill = read_bill(drill.log)
        assert bill.paid == jobs.get(runtime, drill.job_id).calls > before
        assert (bill.paid_again, bill.sent_twice()) == (0, [])


def test_calls_under_way_at_the_moment_of_the_backup_are_charged_and_made_again(
    drill: Drill, new_home: Path, empty_database_url: str
) -> None:
    with running_runtime(empty_database_url, new_home, lease_s=0.2) as runtime:
        restored(runtime, drill.under_way)
        before = jobs.progress(runtime, drill.job_id)
        reserved = before.job.reserved_micro_usd
        assert reserved > 0, "calls were under way"
        with psycopg.connect(plain(empty_database_url)) as connection:
            connection.execute("UPDATE workers SET host = 'of the old machine'")
        while jobs.get(runtime, drill.job_id).reserved_micro_usd:
            sweep(runtime)
        after = jobs.get(runtime, drill.job_id)
        assert after.spent_micro_usd == before.job.spent_micro_usd + reserved
        assert jobs.progress(runtime, drill.job_id).errors["worker_lost"] > 0


def test_the_master_key_comes_along_only_when_asked_for_and_data_goes_only_when_told(
    drill: Drill, new_home: Path, tmp_path: Path, database_url: str, empty_database_url: str
) -> None:
    folder, other = tmp_path / "with", tmp_path / "other"
    with running_runtime(empty_database_url, other) as runtime:
        assert len(restored(runtime, drill.folder).keyless) == 1
    shutil.copy(new_home / "master.key", other / "master.key")
    with running_runtime(empty_database_url, other) as runtime:
        assert backups.back_up(runtime, folder, with_master_key=True).with_master_key
    with running_runtime(database_url, tmp_path / "third") as runtime:
        add_seeds(runtime)
        with pytest.raises(Conflict, match="seed_sets") as refused:
            restored(runtime, folder)
        assert refused.value.code == "not_empty"
        assert row_count(runtime, "seed_sets") == 1, "nothing was touched"
        assert restored(runtime, folder, replace=True).keyless == []
        assert contents(runtime) == drill.tables
        with psycopg.connect(plain(database_url)) as connection:
            # A number that is stored already would be refused.
            added = "INSERT INTO job_events (job_id, to_state) VALUES (%s, 'x')"
            connection.execute(added, (drill.job_id,))
    assert (tmp_path / "third" / "master.key").stat().st_mode & 0o777 == 0o600


def test_no_key_is_in_a_backup(drill: Drill) -> None:
    files = [path for path in drill.folder.rglob("*") if path.is_file()]
    held = b"".join(
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in files
    )
    assert b"general_en" in held
    assert KEY.encode() not in held
    assert (drill.folder.parent / "master.key").read_bytes().strip() not in held
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)


def test_nothing_is_restored_under_workers_that_live(drill: Drill, database_url: str) -> None:
    with running_runtime(database_url, drill.folder.parent / "live") as runtime:
        with psycopg.connect(plain(database_url)) as connection:
            connection.execute(
                "INSERT INTO workers (id, kind, host, process) VALUES (gen_random_uuid(), 'a', 'b',"
                " 1)"
            )
        with pytest.raises(Conflict) as refused:
            restored(runtime, drill.folder, replace=True)
    assert refused.value.code == "service_running"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def newer(path: Path) -> None:
    """Seal a manifest of a revision that nobody knows yet, as a later program would."""
    facts = json.loads(path.read_bytes())
    del facts["sha256"]
    target = path.parent.with_name("later")
    with written_backup(target, {**facts, "revision": "9999"}) as writer:
        for name in facts["members"]:
            writer.add_file(name, path.parent / name)
    shutil.rmtree(path.parent)
    target.rename(path.parent)


@pytest.mark.parametrize(
    ("spoil", "name", "code"),
    [
        (cut, "tables/rows.copy.gz", "backup_torn"),
        (flip, "tables/ledger.copy.gz", "backup_torn"),
        (flip, "manifest.json", "backup_torn"),
        (cut, "manifest.json", "backup_torn"),
        (Path.unlink, "manifest.json", "backup_torn"),
        (Path.unlink, "tables/jobs.copy.gz", "backup_torn"),
        (lambda path: path.write_bytes(b""), "tables/stray.copy.gz", "backup_torn"),
        (newer, "manifest.json", "schema_unknown"),
    ],
)
def test_a_torn_altered_or_later_backup_is_refused_before_anything_is_touched(
    drill: Drill, tmp_path: Path, database_url: str, spoil: object, name: str, code: str
) -> None:
    folder = tmp_path / "spoilt"
    shutil.copytree(drill.folder, folder)
    assert callable(spoil)
    spoil(folder / name)
    with pytest.raises(InvalidInput) as refused:
        backups.check(folder)
    assert refused.value.code == code
    with running_runtime(database_url, tmp_path / "home") as runtime:
        add_seeds(runtime)
        with pytest.raises(InvalidInput):
            restored(runtime, folder, replace=True)
        assert row_count(runtime, "seed_sets") == 1


def test_a_backup_takes_no_name_that_is_taken_and_leaves_nothing_when_it_fails(
    runtime: Runtime, tmp_path: Path
) -> None:
    with pytest.raises(Conflict, match="exists already"):
        backups.back_up(runtime, tmp_path)
    with psycopg.connect(plain(runtime.settings.database_url or "")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CultivarError, match="9999"):
        backups.back_up(runtime, tmp_path / "later")
    assert not list(tmp_path.glob("*later*"))


def test_a_full_disk_leaves_no_backup(tmp_path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"one"
        raise OSError(28, "No space left on device")

    with (
        pytest.raises(InsufficientStorage, match="bytes free"),
        written_backup(tmp_path / "full", {}) as writer,
    ):
        writer.add_blocks("tables/a", blocks())
    assert list(tmp_path.iterdir()) == []
