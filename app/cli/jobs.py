"""`cultivar jobs`: submit runs of a method, watch them, steer them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated
from uuid import UUID

from typer import Argument, Option, Typer

from app.cli import job_parts, job_report, job_submitting
from app.cli.connection import connected
from app.cli.job_submitting import follow_to_end
from app.cli.terminal import (
    AsJson,
    Cursor,
    Limit,
    console,
    dollars,
    show_facts,
    show_json,
    show_page,
)
from app.domain.lifecycle import JobState
from app.domain.stored import Job, JobProgress
from app.runtime import Runtime
from app.use_cases import job_prompts, jobs

commands = Typer()
Identified = Annotated[UUID, Argument(metavar="JOB", help="its id")]
_COLUMNS = (
    "id",
    "name",
    "state",
    "reason",
    "#rows",
    "#target",
    "#calls",
    "#dropped",
    "#spent",
    "#a row",
)

commands.command("submit")(job_submitting.submit)
commands.command("estimate")(job_submitting.estimate)
commands.command("report")(job_report.report)


@commands.command("list")
def list_(
    state: Annotated[JobState | None, Option(help="only these")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """Jobs with their counts, newest first."""
    with connected() as runtime:
        page = jobs.page(runtime, state=state, cursor=cursor, limit=limit)
    show_page(page, as_json, _COLUMNS, map(_cells, page.items))


@commands.command("show")
def show(job: Identified, as_json: AsJson = False) -> None:
    """One job: settings, counts, money, and its moves."""
    with connected() as runtime:
        progress = jobs.progress(runtime, job)
        events = jobs.events(runtime, job)
    if as_json:
        show_json({"progress": progress, "warnings": progress.warnings, "events": events})
        return
    show_facts(_facts(progress))
    for warning in progress.warnings:
        console().print(f"warning: {warning.detail}")
    for event in events:
        why = f" ({event.reason})" if event.reason else ""
        moment = event.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        console().print(f"{moment}  {event.from_state or 'new'} -> {event.to_state}{why}")


@commands.command("watch")
def watch(job: Identified) -> None:
    """Follow a job until it is finished or paused; leaving with Ctrl-C does not stop it."""
    with connected() as runtime:
        follow_to_end(runtime, job)


@commands.command("pause")
def pause(job: Identified, as_json: AsJson = False) -> None:
    """Send nothing more; calls under way are kept."""
    _steer(jobs.pause, job, as_json)


@commands.command("resume")
def resume(job: Identified, as_json: AsJson = False) -> None:
    """Go on with exactly what is missing."""
    _steer(jobs.resume, job, as_json)


@commands.command("cancel")
def cancel(job: Identified, as_json: AsJson = False) -> None:
    """End a job early; what it has made is kept."""
    _steer(jobs.cancel, job, as_json)


@commands.command("retry")
def retry(
    job: Identified,
    only_failed: Annotated[
        bool, Option("--only-failed", help="send failed calls again, begin nothing new")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send failed calls again and go on to the target."""
    _steer(lambda runtime, found: jobs.retry(runtime, found, only_failed=only_failed), job, as_json)


@commands.command("delete")
def delete(job: Identified) -> None:
    """Remove a finished job with its calls, rows and export files; its training runs go before."""
    with connected() as runtime:
        jobs.delete(runtime, job)
    console().print("deleted")


commands.command("prompts")(job_parts.prompts)
commands.command("calls")(job_parts.calls)
commands.command("batches")(job_parts.batches)
commands.command("candidates")(job_parts.candidates)
commands.command("replies")(job_parts.replies)


def _steer(act: Callable[[Runtime, UUID], Job], job_id: UUID, as_json: bool) -> None:
    with connected() as runtime:
        job = act(runtime, job_id)
    show_json(job) if as_json else console().print(f"{job.id} {job.state}")


def _cells(progress: JobProgress) -> Sequence[object]:
    job = progress.job
    return (
        job.id,
        job.name,
        job.state,
        job.reason,
        progress.accepted_rows,
        job.target_rows,
        job.calls,
        sum(progress.drops.values()),
        dollars(job.spent_micro_usd),
        dollars(progress.micro_usd_per_accepted_row),
    )


def _facts(progress: JobProgress) -> Mapping[str, object]:
    job = progress.job
    money = {"cap_micro_usd", "spent_micro_usd", "reserved_micro_usd", "saved_micro_usd"}
    inner = {"next_propose", "next_answer"}
    names = [name for name in Job.__slots__ if name not in money | inner]
    facts = {name.replace("_", " "): getattr(job, name) for name in names}
    options = facts.pop("options")
    facts["prompts"] = job_prompts.prompt_versions(job)
    filters = facts.pop("filters")
    facts["random seed"] = str(job.random_seed)  # to be copied, so without separators
    facts |= {name.split("_")[0]: dollars(getattr(job, name)) for name in sorted(money)}
    facts["a row"] = dollars(progress.micro_usd_per_accepted_row)
    families = ("calls", "candidates", "rows", "drops", "flags", "errors")
    counted = {name: getattr(progress, name) for name in families}
    facts |= {name: _counts(counts) for name, counts in counted.items()}
    facts["overlaps"] = _overlaps(progress)
    return facts | {"filters": _filters(filters), "options": options}


def _filters(filters: Mapping[str, Mapping[str, object] | None]) -> str:
    """What each filter does, without its settings."""
    said = {name: "off" if each is None else each["action"] for name, each in filters.items()}
    return ", ".join(f"{name} {action}" for name, action in said.items()) or "-"


def _overlaps(progress: JobProgress) -> str:
    told = [f"{each.evaluation_set_id}: {_counts(each.by_rule)}" for each in progress.overlaps]
    return "; ".join(told) or "-"


def _counts(counts: Mapping[str, int]) -> str:
    """Counts by name, the largest first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {name}" for name, count in ordered) or "-"
