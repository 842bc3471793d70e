"""Backups: the database as it stood at one moment, with the files that it names; and back again."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from app.db import copying, exports, teachers, training_runs, workers
from app.db.engine import Connection
from app.domain.stored import TeacherRecord
from app.errors import Conflict, CultivarError, InvalidInput, NotFound
from app.files.backup_folder import Backup, BackupWriter, read_backup, written_backup
from app.llm.master_keys import PEPPER, filed_keys
from app.llm.vault import Vault
from app.runtime import Runtime
from app.use_cases.health import known_revisions, newest_revision

_TABLES, _FILES, _KEY = "tables", "home", "master.key"
_UUID_LENGTH = 36
Migrate = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup holds; `missing` are files that the database names and that were not there."""

    folder: Path
    revision: str
    tables: int
    rows: int
    files: int
    bytes: int
    missing: Sequence[str]
    with_master_key: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored; `keyless` are teachers whose key the present master key cannot open."""

    revision: str
    rows: int
    files: int
    keyless: Sequence[str]


def back_up(runtime: Runtime, target: Path, *, with_master_key: bool = False) -> BackedUp:
    """Write a backup; the service may go on meanwhile. Raises CultivarError, leaving nothing."""
    facts: dict[str, object] = {"made_at": datetime.now(UTC).isoformat()}
    with written_backup(target, facts) as writer:
        with runtime.database.transaction() as connection:
            copying.hold_still(connection)
            revision = workers.schema_revision(connection)
            if revision not in known_revisions():
                raise _unknown_schema("database", revision)
            facts |= {"revision": revision, "tables": _write_tables(connection, writer)}
            kept = _Kept(exports.ready_ids(connection), training_runs.all_ids(connection))
        facts["missing"] = kept.write(runtime, writer)
        facts["master_key"] = with_master_key
        if with_master_key:
            writer.add_bytes(_KEY, _master_key(runtime))
            if (pepper := runtime.settings.home / PEPPER).exists():
                writer.add_bytes(PEPPER, pepper.read_bytes())
    return _backed_up(read_backup(target))


def _write_tables(connection: Connection, writer: BackupWriter) -> Mapping[str, object]:
    written: dict[str, object] = {}
    for name in copying.tables(connection):
        columns = copying.columns(connection, name)
        writer.add_blocks(_member(name), copying.copy_out(connection, name, columns))
        written[name] = {"columns": columns, "rows": copying.row_count(connection, name)}
    return written


def _member(table: str) -> str:
    return f"{_TABLES}/{table}.copy.gz"


@dataclass(frozen=True, slots=True)
class _Kept:
    """The exports and training runs of the moment that the tables show: whose files are kept."""

    export_ids: Set[UUID]
    run_ids: Set[UUID]

    def write(self, runtime: Runtime, writer: BackupWriter) -> Sequence[str]:
        """Copy their files; those that should be there and are not."""
        seen = self._copy(runtime.exports_directory, self.export_ids, writer)
        self._copy(runtime.training_directory, self.run_ids, writer)
        return sorted(f"exports/{each}" for each in self.export_ids - seen)

    def _copy(self, directory: Path, ids: Set[UUID], writer: BackupWriter) -> Set[UUID]:
        seen: set[UUID] = set()
        for path in sorted(directory.rglob("*")):
            inner = path.relative_to(directory)
            owner = _owner(inner.parts[0])
            if (
                owner is None
                or owner not in ids
                or path.is_symlink()
                or not path.is_file()
                or _is_passing(inner)
            ):
                continue
            if writer.add_file(f"{_FILES}/{directory.name}/{inner.as_posix()}", path):
                seen.add(owner)
        return seen


def _owner(name: str) -> UUID | None:
    try:
        return UUID(name[:_UUID_LENGTH])
    except ValueError:
        return None


def _is_passing(path: Path) -> bool:
    """What somebody is writing just now under a name that will go."""
    return path.suffix == ".part" or any(part.startswith(".") for part in path.parts)


def _master_key(runtime: Runtime) -> bytes:
    given = runtime.settings.master_key
    if given is not None:
        return given.get_secret_value().encode() + b"\n"
    return (runtime.settings.home / _KEY).read_bytes()


def check(folder: Path) -> BackedUp:
    """Read all of a backup; raises InvalidInput when it is torn, altered or of a later version."""
    return _backed_up(_checked(folder))


def _checked(folder: Path) -> Backup:
    if not folder.is_dir():
        raise NotFound(f"There is no backup {folder}.")
    backup = read_backup(folder)
    if backup.manifest["revision"] not in known_revisions():
        raise _unknown_schema("backup", backup.manifest["revision"])
    return backup


def _unknown_schema(what: str, revision: str | None) -> InvalidInput:
    return InvalidInput(
        f"The {what} stands at revision {revision or 'none'}, which this program does not know: "
        "use the program that it belongs to, or a later one.",
        code="schema_unknown",
    )


def _backed_up(backup: Backup) -> BackedUp:
    manifest = backup.manifest
    members: Mapping[str, Mapping[str, Any]] = manifest["members"]
    return BackedUp(
        folder=backup.folder,
        revision=manifest["revision"],
        tables=len(manifest["tables"]),
        rows=sum(each["rows"] for each in manifest["tables"].values()),
        files=len(list(backup.names(_FILES))),
        bytes=sum(each["bytes"] for each in members.values()),
        missing=manifest["missing"],
        with_master_key=manifest["master_key"],
    )


def restore(runtime: Runtime, folder: Path, migrate: Migrate, *, replace: bool = False) -> Restored:
    """Put a backup into an empty service, or with `replace` in the place of what is there.

    `migrate` brings the database to the revision that it is given. The whole backup is checked
    before anything is touched. Raises NotFound, InvalidInput for a backup that cannot be used,
    Conflict while workers live or when the service is not empty.
    """
    backup = _checked(folder)
    _check_target(runtime, replace=replace)
    staged = runtime.settings.home / f".restoring.{os.getpid()}"
    try:
        files = _stage(backup, staged)
        with runtime.database.transaction() as connection:
            copying.clear(connection)
        migrate(backup.manifest["revision"])
        rows = _load(runtime, backup)
        if backup.manifest["revision"] != newest_revision():
            migrate("head")
        _put_files(runtime, staged)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    vault = _restored_vault(runtime, backup)
    return Restored(backup.manifest["revision"], rows, files, _keyless(runtime, vault))


def _check_target(runtime: Runtime, *, replace: bool) -> None:
    with runtime.database.transaction() as connection:
        living = copying.workers_heard_of(connection, runtime.settings.lease_s)
        held = copying.holds_anything(connection)
    if living:
        raise Conflict(
            f"{living} workers gave a sign of life within {runtime.settings.lease_s:g} s. Stop "
            "the whole service first, then restore.",
            code="service_running",
        )
    directories = (runtime.exports_directory, runtime.training_directory)
    held = [*held, *(str(each) for each in directories if each.exists() and any(each.iterdir()))]
    if held and not replace:
        raise Conflict(
            f"The service is not empty: there is something in {', '.join(held[:5])}. With "
            "--replace it is deleted for what the backup holds.",
            code="not_empty",
        )


def _stage(backup: Backup, staged: Path) -> int:
    """Copy the files next to where they belong, so that a full disk is found out in time."""
    count = 0
    for name in backup.names(_FILES):
        target = staged / Path(name).relative_to(_FILES)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(backup.folder / name, target)
        count += 1
    return count


def _load(runtime: Runtime, backup: Backup) -> int:
    """All rows in one transaction: a kill leaves an empty database, to be restored into again."""
    told: Mapping[str, Mapping[str, Any]] = backup.manifest["tables"]
    with runtime.database.transaction() as connection:
        copying.take_time(connection)
        for name in reversed(copying.tables(connection)):
            copying.empty(connection, name)
        for name in copying.tables(connection):
            if name not in told:
                continue
            blocks = backup.blocks(_member(name))
            found = copying.copy_in(connection, name, told[name]["columns"], blocks)
            if found != told[name]["rows"]:
                raise InvalidInput(f"{found:,} rows of {name} came back, not all.")
            copying.set_counters(connection, name)
    return sum(each["rows"] for each in told.values())


def _put_files(runtime: Runtime, staged: Path) -> None:
    for directory in (runtime.exports_directory, runtime.training_directory):
        shutil.rmtree(directory, ignore_errors=True)
        if (staged / directory.name).exists():
            (staged / directory.name).rename(directory)


def _restored_vault(runtime: Runtime, backup: Backup) -> Vault:
    """Put the master key where the service finds it, if the backup has it and none is set."""
    if not backup.manifest["master_key"] or runtime.settings.master_key is not None:
        return runtime.vault
    home = runtime.settings.home
    for name in (_KEY, PEPPER):
        if name in backup.manifest["members"]:
            _put_secret(home / name, (backup.folder / name).read_bytes())
    return Vault(filed_keys(home), home)


def _put_secret(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    fresh.replace(path)


def _keyless(runtime: Runtime, vault: Vault) -> Sequence[str]:
    with runtime.database.transaction() as connection:
        known = teachers.with_keys(connection)
    return [each.name for each in known if not _opens(vault, each)]


def _opens(vault: Vault, teacher: TeacherRecord) -> bool:
    try:
        vault.open(teacher.sealed_key or b"", teacher.id, teacher.base_url)
    except CultivarError:
        return False
    return True
