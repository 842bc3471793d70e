"""Which exports hold a row: those that reached it while it stood, in a format that carries it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.db import exports
from app.db.engine import Connection
from app.db.rows import ExportedRow
from app.domain.formats import FORMATS
from app.domain.lifecycle import RowState
from app.domain.options import parse_options
from app.domain.review import Decision, Verdict
from app.domain.stored import ExportRecord, RowRecord
from app.use_cases.export_rows import as_row

MOST_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class HoldingExport:
    """An export that holds a row."""

    id: UUID
    format: str
    sha256: str | None
    finished_at: datetime | None


def exports_with(
    connection: Connection, row: RowRecord, decisions: Sequence[Decision]
) -> Sequence[HoldingExport]:
    """The exports of the row's job that hold it, newest first, among the newest ones.

    An export made before exports told how far they reach is not among them.
    """
    if row.state is not RowState.ACCEPTED:
        return ()
    found = exports.page(connection, job_id=row.job_id, cursor=None, limit=MOST_LOOKED_AT).items
    return [
        HoldingExport(each.id, each.format, each.sha256, each.finished_at)
        for each in found
        if _holds(each, row, decisions)
    ]


def _holds(export: ExportRecord, row: RowRecord, decisions: Sequence[Decision]) -> bool:
    last = (export.manifest or {}).get("last_row")
    if not isinstance(last, list) or export.finished_at is None:
        return False
    if [row.pool_seq, row.position] > last or _was_dropped(decisions, export.finished_at):
        return False
    chosen, _ = parse_options(FORMATS[export.format], export.options)
    exported = ExportedRow(*(getattr(row, name) for name in ExportedRow._fields))
    return chosen is not None and chosen.unfit(as_row(exported, "")) is None


def _was_dropped(decisions: Sequence[Decision], at: datetime) -> bool:
    before = [each for each in decisions if each.created_at <= at]
    return bool(before) and before[-1].verdict is Verdict.DROPPED
