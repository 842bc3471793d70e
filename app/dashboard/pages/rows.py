"""Rows of a job: look through them, search them, and walk one back to where it came from."""

import json
import math
from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Response

from app.dashboard.context import RuntimeOfApp, page_router
from app.dashboard.lineage_tree import lineage_tree
from app.dashboard.rendering import page
from app.domain.lifecycle import RowState
from app.domain.stored import JobProgress
from app.use_cases import jobs, rows, seed_sets, teachers
from app.use_cases.rows import LineageCall

PAGE_SIZE = 20
JOBS_OFFERED = 100
ROW_CHARACTERS = 1200

router = page_router()


@router.get("/dashboard/rows")
def row_list(
    runtime: RuntimeOfApp,
    job: UUID | Literal[""] | None = None,
    state: RowState = RowState.ACCEPTED,
    reason: str = "",
    text: str = "",
    min_score: str = "",
    language: str = "",
    cursor: str | None = None,
) -> Response:
    """Rows of one job, the newest job's where none is named."""
    known = jobs.page(runtime, limit=JOBS_OFFERED).items
    progress = jobs.progress(runtime, job) if job else next(iter(known), None)
    if progress is None:
        return page("rows.html", progress=None)
    least = _number(min_score)
    asked = {
        "state": state,
        "reason": reason if state is RowState.REJECTED else "",
        "text": text,
        "language": language.strip().lower()[:3],
        "min_score": "" if least is None else f"{least:g}",
    }
    found = rows.search(
        runtime,
        progress.job.id,
        state=state,
        reason=asked["reason"],
        text=text[:200],
        min_score=least,
        language=asked["language"] or None,
        cursor=cursor,
        limit=PAGE_SIZE,
    )
    kept = {name: value for name, value in asked.items() if value}
    return page(
        "rows.html",
        progress=progress,
        jobs=_with(known, progress),
        rows=found.items,
        next=found.next,
        cursor=cursor,
        asked=asked,
        reasons=sorted(progress.drops),
        query=urlencode({"job": str(progress.job.id), **kept}),
        scores=rows.scores(runtime, [each.id for each in found.items]),
        searched=any(asked[name] for name in ("reason", "text", "language", "min_score")),
        rows_read=rows.ROWS_HEARD if asked["language"] else rows.ROWS_READ,
        row_characters=ROW_CHARACTERS,
    )


def _number(text: str) -> float | None:
    """A number out of the address, which anybody may have written; None for what is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _with(known: Sequence[JobProgress], shown: JobProgress) -> Sequence[JobProgress]:
    """The jobs to choose from, be the shown one an older one."""
    there = any(each.job.id == shown.job.id for each in known)
    return known if there else [*known, shown]


@router.get("/dashboard/rows/{row_id}")
def one_row(runtime: RuntimeOfApp, row_id: UUID) -> Response:
    """One row with its seeds, prompts and raw replies, its model and its licence."""
    lineage = rows.lineage(runtime, row_id)
    job = jobs.get(runtime, lineage.row.job_id)
    calls = [("proposed by", lineage.propose), ("answered by", lineage.answer)]
    if lineage.propose and lineage.answer and lineage.propose.slot_id == lineage.answer.slot_id:
        calls = [("proposed and answered by", lineage.propose)]
    sources = rows.sources(runtime, lineage)
    return page(
        "row.html",
        row=lineage.row,
        tree=lineage_tree(lineage, sources),
        lineage=lineage,
        job=job,
        seed_set=seed_sets.get(runtime, job.seed_set_id) if job.seed_set_id else None,
        teacher=teachers.get(runtime, job.teacher_id) if job.teacher_id else None,
        sources=sources,
        calls=[(words, call, _reply(call)) for words, call in calls if call is not None],
    )


def _reply(call: LineageCall) -> str:
    """The reply in a form for reading, where it is JSON; else as it came."""
    try:
        return json.dumps(json.loads(call.raw_reply), indent=2, ensure_ascii=False)
    except ValueError:
        return call.raw_reply
