"""`cultivar jobs`: submit runs of a method, watch them, steer them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated
from uuid import UUID

from typer import Argument, Exit, Option, Typer

from app.cli import job_parts
from app.cli.connection import connected
from app.cli.errors import FAILED
from app.cli.method_options import OptionPairs, read_options
from app.cli.money import Money
from app.cli.names import seed_set_id, teacher_id
from app.cli.terminal import (
    AsJson,
    Cursor,
    Limit,
    console,
    dollars,
    error_console,
    show_facts,
    show_json,
    show_page,
)
from app.domain.lifecycle import JobState
from app.domain.reuse import Reuse
from app.domain.stored import Job, JobProgress
from app.domain.tokens import Tokens
from app.embedded.following import follow, outcome
from app.runtime import Runtime
from app.use_cases import jobs, methods
from app.use_cases.jobs import JobDetails

commands = Typer()
ReuseFlag = Annotated[
    Reuse, Option(help="prefer: take replies that earlier jobs paid for under the same prompts")
]
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


@commands.command("submit")
def submit(
    seed_set: Annotated[str, Option(help="the seed set's id or name")],
    teacher: Annotated[str, Option(help="the teacher's id or name")],
    rows: Annotated[int, Option(min=1, help="accepted rows wanted")],
    name: Annotated[str, Option(help="what to call the job")] = "",
    method: Annotated[str, Option(help="see `cultivar methods list`")] = "self_instruct",
    profile: Annotated[str, Option(help="named settings of the method")] = "default",
    option: OptionPairs = None,
    budget_usd: Money = None,
    max_calls: Annotated[int | None, Option(min=1, help="else ten a row")] = None,
    random_seed: Annotated[int, Option(min=0, help="seed of every draw")] = 42,
    tokens: Annotated[Tokens | None, Option(help="else the seed set's")] = None,
    embedder: Annotated[
        str | None, Option(help="id or name of the embedder, for the option semantic_threshold")
    ] = None,
    reuse: ReuseFlag = Reuse.NEVER,
    watch: Annotated[bool, Option("--watch", help="follow it until it settles")] = False,
    as_json: AsJson = False,
) -> None:
    """Queue a job; workers begin at once."""
    options = read_options(option or [], methods.get(method).options)
    with connected() as runtime:
        details = JobDetails(
            seed_set_id=seed_set_id(runtime, seed_set),
            teacher_id=teacher_id(runtime, teacher),
            target_rows=rows,
            name=name,
            method=method,
            profile=profile,
            options=options,
            cap_micro_usd=budget_usd,
            cap_calls=max_calls,
            random_seed=random_seed,
            tokens=tokens,
            embedder_id=teacher_id(runtime, embedder) if embedder else None,
            reuse=reuse,
        )
        job = jobs.submit(runtime, details)
        show_json(job) if as_json else console().print(f"submitted: {job.id}  {job.name}")
        if watch:
            _follow(runtime, job.id)


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
        show_json({"progress": progress, "events": events})
        return
    show_facts(_facts(progress))
    for event in events:
        why = f" ({event.reason})" if event.reason else ""
        moment = event.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        console().print(f"{moment}  {event.from_state or 'new'} -> {event.to_state}{why}")


@commands.command("watch")
def watch(job: Identified) -> None:
    """Follow a job until it is finished or paused; leaving with Ctrl-C does not stop it."""
    with connected() as runtime:
        _follow(runtime, job)


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
    """Remove a finished job with its calls, rows and export files."""
    with connected() as runtime:
        jobs.delete(runtime, job)
    console().print("deleted")


commands.command("calls")(job_parts.calls)
commands.command("candidates")(job_parts.candidates)
commands.command("replies")(job_parts.replies)


def _steer(act: Callable[[Runtime, UUID], Job], job_id: UUID, as_json: bool) -> None:
    with connected() as runtime:
        job = act(runtime, job_id)
    show_json(job) if as_json else console().print(f"{job.id} {job.state}")


def _follow(runtime: Runtime, job_id: UUID) -> None:
    """Follow to the end; a job that did not succeed is a failed command."""
    progress = follow(runtime, job_id, error_console())
    console().print(outcome(progress))
    if progress.job.state is not JobState.SUCCEEDED:
        raise Exit(FAILED)


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
    facts["random seed"] = str(job.random_seed)  # to be copied, so without separators
    facts |= {name.split("_")[0]: dollars(getattr(job, name)) for name in sorted(money)}
    facts["a row"] = dollars(progress.micro_usd_per_accepted_row)
    families = ("calls", "candidates", "rows", "drops", "errors")
    counted = {name: getattr(progress, name) for name in families}
    facts |= {name: _counts(counts) for name, counts in counted.items()}
    return facts | {"options": options}


def _counts(counts: Mapping[str, int]) -> str:
    """Counts by name, the largest first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {name}" for name, count in ordered) or "-"
