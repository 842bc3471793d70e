"""Rows: read them, and walk each back to where it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.db import reused, slots
from app.db import rows as queries
from app.db import scores as score_queries
from app.db.engine import Connection
from app.domain.lifecycle import RowState
from app.domain.records import SourceKind
from app.domain.stored import Page, RowRecord, RowScore
from app.errors import NotFound
from app.runtime import Runtime
from app.use_cases import jobs

# Rows that one page of a search looks at: no index answers it, and so many take 0.15 s.
ROWS_READ = 20_000


@dataclass(frozen=True, slots=True)
class LineageCall:
    """One call that made a row: the prompt as sent and the raw reply as it came.

    `reused_from_*` name the earlier call that the reply was bought by, where it was not this one.
    """

    slot_id: UUID
    prompt: Mapping[str, object]
    raw_reply: str
    reused_from_job_id: UUID | None = None
    reused_from_slot_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a row came from: what its prompt showed, in order, both calls, and what judges said.

    `propose` is None where the seed itself was proposed. Where the instruction came with its
    answer, both are the same call.
    """

    row: RowRecord
    nearest_score: float | None
    sources: Sequence[Mapping[str, object]]
    propose: LineageCall | None
    answer: LineageCall | None
    scores: Sequence[RowScore]


def page(
    runtime: Runtime,
    job_id: UUID,
    *,
    state: RowState | None = RowState.ACCEPTED,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[RowRecord]:
    """Rows of a job in dataset order; raises NotFound."""
    jobs.get(runtime, job_id)
    with runtime.database.transaction() as connection:
        return queries.page(connection, job_id, state=state, cursor=cursor, limit=limit)


def search(
    runtime: Runtime,
    job_id: UUID,
    *,
    state: RowState = RowState.ACCEPTED,
    reason: str | None = None,
    text: str | None = None,
    min_score: float | None = None,
    judge_job_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[RowRecord]:
    """Rows of a job that were dropped for a reason, hold a text or have a score; raises NotFound.

    The score is that of the judging job named, else of the newest that judged the row; a row that
    none judged has no score.

    Each page looks at so many rows at most; it may be short, or empty, and still have a next one.
    """
    jobs.get(runtime, job_id)
    wanted = queries.Wanted(state, reason or None, text or None, min_score, judge_job_id)
    with runtime.database.transaction() as connection:
        return queries.search(
            connection, job_id, wanted, cursor=cursor, limit=limit, most_read=ROWS_READ
        )


def newest(runtime: Runtime, job_id: UUID, *, limit: int = 10) -> Sequence[RowRecord]:
    """The accepted rows at the end of the dataset, the last one first."""
    with runtime.database.transaction() as connection:
        return queries.newest(connection, job_id, limit)


def get(runtime: Runtime, row_id: UUID) -> RowRecord:
    """One row; raises NotFound."""
    with runtime.database.transaction() as connection:
        found = queries.get(connection, row_id)
    if found is None:
        raise NotFound(f"There is no row {row_id}.")
    return found


def lineage(runtime: Runtime, row_id: UUID) -> Lineage:
    """A row with the seeds, prompts and raw replies behind it; raises NotFound."""
    row = get(runtime, row_id)
    with runtime.database.transaction() as connection:
        found = queries.lineage(connection, row_id)
        if found is None:
            raise NotFound(f"There is no row {row_id}.")
        propose, answer = (_call(connection, found, name) for name in ("propose", "answer"))
        judged = score_queries.of_rows(connection, [row_id]).get(row_id, ())
    return Lineage(row, found["nearest_score"], found["sources"], propose, answer, judged)


def scores(runtime: Runtime, row_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[RowScore]]:
    """What judging jobs said of rows, the newest judging first; nothing of rows never judged."""
    with runtime.database.transaction() as connection:
        return score_queries.of_rows(connection, row_ids)


@dataclass(frozen=True, slots=True)
class ShownSource:
    """What a prompt showed: a seed, or a row that was made before; it may be deleted since."""

    kind: str
    id: str
    instruction: str | None


def sources(runtime: Runtime, lineage: Lineage) -> Sequence[ShownSource]:
    """The sources of a row with their instructions, in the order in which they were shown."""
    shown = [(str(each["kind"]), str(each["id"])) for each in lineage.sources]
    with runtime.database.transaction() as connection:
        seeds = [UUID(key) for kind, key in shown if kind == SourceKind.SEED]
        made = [UUID(key) for kind, key in shown if kind == SourceKind.MACHINE]
        texts = queries.instructions(connection, seeds, made)
    return [ShownSource(kind, key, texts.get(key)) for kind, key in shown]


def _call(connection: Connection, found: Mapping[str, Any], name: str) -> LineageCall | None:
    slot_id: UUID | None = found[f"{name}_slot"]
    if slot_id is None:
        return None
    _, raw = slots.raw_reply(connection, slot_id) or ({}, b"")
    reply = raw.decode("utf-8", "replace")
    origin = reused.origins(connection, [slot_id]).get(slot_id, (None, None))
    return LineageCall(slot_id, found[f"{name}_prompt"], reply, *origin)
