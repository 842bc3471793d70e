"""A finished export sent elsewhere: its files and its card to a hub or an S3 store."""

import zipfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import orjson
from pydantic import SecretStr

from app.domain.stored import ExportRecord
from app.errors import InvalidInput, Problem
from app.files.hub_store import Hub, HubTarget
from app.files.pushed_file import PushedFile, pushed
from app.files.s3_store import S3Target, push_to_s3
from app.runtime import Runtime
from app.use_cases import audit, exports


@dataclass(frozen=True, slots=True)
class Pushed:
    """Where an export went, and the files that lie there now."""

    where: str
    files: Sequence[PushedFile]


def to_hub(
    runtime: Runtime,
    export_id: UUID,
    target: HubTarget,
    *,
    token: SecretStr | None = None,
    endpoint: str | None = None,
) -> Pushed:
    """Commit an export to a dataset repository, at the address and by the token of the settings.

    An `endpoint` of one's own wants its own `token`. Raises NotFound, Conflict until it is ready,
    InvalidInput, StoreFailure.
    """
    target.check()
    known = token or (runtime.settings.hub_token if endpoint is None else None)
    if known is None or not known.get_secret_value().strip():
        detail = "set CULTIVAR_HUB_TOKEN where this runs; another address wants a token of its own"
        problem = Problem("", "key_required", detail)
        raise InvalidInput("The hub wants a token.", problems=[problem])
    stripped = SecretStr(known.get_secret_value().strip())
    if not stripped.get_secret_value().isascii() or not stripped.get_secret_value().isprintable():
        raise InvalidInput("The token holds characters that no header can carry.")
    with _files(runtime, export_id) as (record, files):
        _note(runtime, export_id, "hub", target.repo)
        with Hub(endpoint or runtime.settings.hub_endpoint, stripped) as hub:
            where = hub.push(target, files, _message(record))
        return Pushed(where, files)


def to_s3(
    runtime: Runtime, export_id: UUID, target: S3Target, *, endpoint: str | None = None
) -> Pushed:
    """Upload an export to a bucket; raises as `to_hub` does."""
    target.check()
    with _files(runtime, export_id) as (_, files):
        _note(runtime, export_id, "s3", target.bucket)
        where = push_to_s3(target, files, endpoint or runtime.settings.s3_endpoint)
        return Pushed(where, files)


def _note(runtime: Runtime, export_id: UUID, kind: str, where: str) -> None:
    """Before anything leaves, since it cannot be taken back."""
    with runtime.database.transaction() as connection:
        audit.note(runtime, connection, "export.push", export_id, to=kind, where=where)


def _message(record: ExportRecord) -> str:
    return f"{record.row_count:,} rows as {record.format}, sha256 {record.sha256}"


@contextmanager
def _files(
    runtime: Runtime, export_id: UUID
) -> Generator[tuple[ExportRecord, Sequence[PushedFile]]]:
    """What is pushed: of a bundle what is in it, else the file with its card and its manifest."""
    record, path = exports.file(runtime, export_id)
    if path.suffix == ".zip":
        with TemporaryDirectory(dir=runtime.exports_directory, prefix="push-") as folder:
            yield record, _unpacked(path, Path(folder))
        return
    suffix = exports.packed_as(record)
    manifest = orjson.dumps(record.manifest, option=orjson.OPT_INDENT_2) + b"\n"
    yield (
        record,
        [
            pushed(f"data/{record.format}{suffix}", path),
            pushed("README.md", exports.card(runtime, export_id).encode()),
            pushed("manifest.json", manifest),
        ],
    )


def _unpacked(path: Path, folder: Path) -> Sequence[PushedFile]:
    """The files of a bundle that we wrote, the data first."""
    with zipfile.ZipFile(path) as bundle:
        names = [each for each in bundle.namelist() if not each.endswith("/")]
        found = [pushed(name, Path(bundle.extract(name, folder))) for name in names]
    return sorted(found, key=lambda each: each.path in {"README.md", "manifest.json"})
