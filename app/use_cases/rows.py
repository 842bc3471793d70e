"""Rows: read them, and walk each back to where it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db import paid, reused, reviews
from app.db import rows as queries
from app.db import scores as score_queries
from app.db.engine import Connection
from app.domain.language_of_text import row_language
from app.domain.lifecycle import RowState
from app.domain.records import SourceKind
from app.domain.review import Decision
from app.domain.stored import Page, RowRecord, RowScore
from app.errors import NotFound
from app.runtime import Runtime
from app.use_cases import jobs
from app.use_cases.row_exports import HoldingExport, exports_with

# Rows that one page of a search looks at: no index answers it, and so many take 0.15 s.
ROWS_READ = 20_000
# Of those whose language is asked for: telling it takes some 0.2 ms a row.
ROWS_HEARD = 1_000


@dataclass(frozen=True, slots=True)
class LineageCall:
    """One call that made a row: the prompt as sent and the raw reply as it came, and its price.

    The reply is empty when it had been kept long enough; `raw_removed_at` says since when.
    `reused_from_*` name the earlier call that the reply was bought by, where it was not this one.
    """

    slot_id: UUID
    prompt: Mapping[str, object]
    raw_reply: str
    raw_removed_at: datetime | None
    reused_from_job_id: UUID | None = None
    reused_from_slot_id: UUID | None = None
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_micro_usd: int = 0
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a row came from: what its prompt showed, in order, and both calls; what became of it.

    `propose` is None where the seed itself was proposed. Where the instruction came with its
    answer, both are the same call.
    """

    row: RowRecord
    nearest_score: float | None
    sources: Sequence[Mapping[str, object]]
    propose: LineageCall | None
    answer: LineageCall | None
    scores: Sequence[RowScore]
    decisions: Sequence[Decision] = ()
    exports: Sequence[HoldingExport] = ()


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
    language: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[RowRecord]:
    """Rows of a job dropped for a reason, holding a text, in a language, or with a score.

    The score is that of the judging job named, else of the newest that judged the row; a row that
    none judged has no score.

    Each page looks at so many rows at most; it may be short, or empty, and still have a next one.
    The language is an ISO 639-1 code, as the report tells it. Raises NotFound.
    """
    jobs.get(runtime, job_id)
    wanted = queries.Wanted(state, reason or None, text or None, min_score, judge_job_id)
    most, kept = (ROWS_HEARD, ROWS_HEARD) if language else (ROWS_READ, limit)
    with runtime.database.transaction() as connection:
        found = queries.search(
            connection, job_id, wanted, cursor=cursor, limit=kept, most_read=most
        )
    return _in_language(found, language, limit) if language else found


def _in_language(found: Page[RowRecord], language: str, limit: int) -> Page[RowRecord]:
    """The first rows of a page that are in a language, and where the next page begins."""
    fitting: list[RowRecord] = []
    for each in found.items:
        if row_language(each.instruction, each.output) == language:
            if len(fitting) == limit:
                return Page(fitting, queries.cursor_behind(fitting[-1]))
            fitting.append(each)
    return Page(fitting, found.next)


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
        decisions = reviews.history(connection, row_id)
        held = exports_with(connection, row, decisions)
    return Lineage(
        row, found["nearest_score"], found["sources"], propose, answer, judged, decisions, held
    )


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
    last = paid.last_reply(connection, slot_id)
    prompt, origin = found[f"{name}_prompt"], reused.origins(connection, [slot_id])
    bought = origin.get(slot_id, (None, None))
    if last is None:
        return LineageCall(slot_id, prompt, "", None, *bought)
    reply = last.raw.decode("utf-8", "replace")
    return LineageCall(slot_id, prompt, reply, last.raw_removed_at, *bought, *last[2:])
