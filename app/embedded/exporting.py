"""Waits for an export that the workers are writing."""

import time
from collections.abc import Callable
from uuid import UUID

from app.domain.lifecycle import ExportState
from app.domain.stored import ExportRecord
from app.runtime import Runtime
from app.use_cases import exports

POLL_S = 0.2


def _pass() -> None:
    """Find nothing wrong."""


def wait_for_export(
    runtime: Runtime, export_id: UUID, *, check: Callable[[], None] = _pass
) -> ExportRecord:
    """Return the export when it is ready or has failed; `check` may raise when workers are gone."""
    while True:
        record = exports.get(runtime, export_id)
        if record.state in {ExportState.READY, ExportState.FAILED}:
            return record
        check()
        time.sleep(POLL_S)
