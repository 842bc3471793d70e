"""What a job is made of: its calls to the teacher and the candidates they brought."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import orjson
from typer import Argument, Option

from app.cli.connection import connected
from app.cli.terminal import (
    AsJson,
    Cursor,
    Limit,
    console,
    dollars,
    shortened,
    show_json,
    show_page,
)
from app.domain.lifecycle import CandidateState, SlotState
from app.files.whole_file import written_whole
from app.use_cases import batches as job_batches
from app.use_cases import job_prompts, jobs
from app.use_cases import replies as raw_replies
from app.use_cases.replies import Step

Identified = Annotated[UUID, Argument(metavar="JOB", help="its id")]


def prompts(job: Identified, as_json: AsJson = False) -> None:
    """The texts that its prompts are made from, ours and its own, with their versions."""
    with connected() as runtime:
        found = job_prompts.of_job(runtime, job)
    if as_json:
        show_json(found)
        return
    for each in found:
        whose = "its own" if each.own else "ours"
        console().print(f"== {each.name}  ({each.version}, {whose})\n{each.text}\n")


def calls(
    job: Identified,
    state: Annotated[list[SlotState] | None, Option(help="only these; may be repeated")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """Calls to the teacher, in slot order, with what the last attempt brought."""
    with connected() as runtime:
        page = jobs.page_calls(runtime, job, states=state or (), cursor=cursor, limit=limit)
    cells = [
        (
            f"{each.kind} {each.number}.{each.position}",
            each.step,
            each.state,
            each.attempt,
            each.prompt_tokens,
            each.completion_tokens,
            "reused" if each.reused_from_slot_id else dollars(each.cost_micro_usd),
            each.reason,
            each.detail and shortened(each.detail),
        )
        for each in page.items
    ]
    columns = (
        "call",
        "step",
        "state",
        "#attempt",
        "#tokens in",
        "#out",
        "#cost",
        "reason",
        "detail",
    )
    show_page(page, as_json, columns, cells)


def batches(
    job: Identified,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """Batches of a job that is delivered so, newest first; the counts are the teacher's."""
    with connected() as runtime:
        page = job_batches.page(runtime, job, cursor=cursor, limit=limit)
    cells = [
        (
            each.provider_batch_id or str(each.id),
            each.state,
            each.provider_state,
            each.requests,
            each.completed,
            each.failed,
            each.detail and shortened(each.detail),
        )
        for each in page.items
    ]
    columns = ("batch", "state", "teacher says", "#calls", "#completed", "#failed", "detail")
    show_page(page, as_json, columns, cells)


def candidates(
    job: Identified,
    state: Annotated[CandidateState | None, Option(help="only these")] = None,
    reason: Annotated[str | None, Option(help="only those dropped for this reason")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """Instructions that were proposed, newest first, with their fate and the nearest row."""
    with connected() as runtime:
        page = jobs.page_candidates(
            runtime, job, state=state, reason=reason, cursor=cursor, limit=limit
        )
    cells = [
        (
            shortened(each.instruction),
            each.state,
            ", ".join(each.reasons),
            None if each.nearest_score is None else f"{each.nearest_score:.3f}",
            each.nearest_text and shortened(each.nearest_text),
        )
        for each in page.items
    ]
    show_page(page, as_json, ("instruction", "state", "reasons", "#score", "nearest"), cells)


def replies(
    job: Identified,
    step: Annotated[Step, Option(help="whose replies")] = Step.PROPOSE,
    out: Annotated[Path | None, Option(help="a file; else standard output")] = None,
) -> None:
    """The replies as they came, for `cultivar replay` to filter again without paying."""
    with connected() as runtime, written_whole(out) as file:
        for line in raw_replies.of_job(runtime, job, step):
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
