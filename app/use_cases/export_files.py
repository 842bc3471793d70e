"""The files of exports, and their end."""

from collections.abc import Iterable
from uuid import UUID

from app.runtime import Runtime


def remove_files(runtime: Runtime, export_ids: Iterable[UUID]) -> None:
    """Remove all files of these exports.

    Call it before the transaction that forgets them ends: a kill in between leaves an export whose
    file is gone, which can be deleted again, and never a file that nobody knows of.
    """
    for export_id in export_ids:
        for pattern in (f"{export_id}*", f".{export_id}*"):
            for path in runtime.exports_directory.glob(pattern):
                path.unlink(missing_ok=True)
