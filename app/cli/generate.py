"""`cultivar generate`: from a seed file to a dataset file in one command."""

import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import orjson
from typer import BadParameter, Exit, Option

from app.cli.errors import FAILED
from app.cli.filter_choice import FilterPairs, read_filters
from app.cli.job_submitting import ReuseFlag
from app.cli.keys import AskForKey, KeyVariable, read_key
from app.cli.local_service import LocalService, local_service
from app.cli.method_options import FormatName, OptionPairs, read_options
from app.cli.money import Money, Price
from app.cli.prompt_files import PromptFiles, read_prompts
from app.cli.teacher_choice import Described, chosen_teacher, revived_demo_teacher, teacher_details
from app.cli.terminal import dollars, error_console, plain
from app.domain.lifecycle import FINAL_JOB_STATES, ExportState, JobState
from app.domain.reuse import Reuse
from app.domain.stored import JobProgress
from app.embedded.exporting import wait_for_export
from app.embedded.following import outcome
from app.embedded.one_run import Wanted, begin, see_through
from app.embedded.signals import ending_like_interrupt
from app.errors import InvalidInput
from app.files.seed_upload import read_seed_file
from app.files.whole_file import written_whole
from app.settings import Settings
from app.use_cases import exports, jobs, methods, teachers
from app.use_cases.first_steps import DEMO_TEACHER
from app.use_cases.row_rules import filter_problems
from app.use_cases.seed_sets import SeedSetDetails


@dataclass(frozen=True, slots=True)
class Task:
    """A job to begin or to go on with, and where its rows go."""

    start: Callable[[LocalService], UUID]
    out: Path
    format: str
    demo: bool


def command(
    out: Annotated[Path, Option(help="the dataset file; its manifest is put beside it")],
    seeds: Annotated[
        Path | None, Option(exists=True, dir_okay=False, help="JSONL, one seed task a line")
    ] = None,
    rows: Annotated[int | None, Option(min=1, help="rows wanted")] = None,
    teacher: Annotated[str | None, Option(help="a registered teacher, by id or name")] = None,
    base_url: Annotated[str | None, Option(help="an OpenAI-compatible endpoint")] = None,
    model: Annotated[str | None, Option(help="its model")] = None,
    api_key_env: KeyVariable = None,
    ask_key: AskForKey = False,
    input_price: Price = None,
    output_price: Price = None,
    demo: Annotated[bool, Option("--demo", help="let a script write the rows, for a try")] = False,
    method: Annotated[str, Option(help="see `cultivar methods list`")] = "self_instruct",
    profile: Annotated[str, Option(help="named settings of the method")] = "default",
    option: OptionPairs = None,
    prompt: PromptFiles = None,
    filter_: FilterPairs = None,
    budget_usd: Money = None,
    max_calls: Annotated[int | None, Option(min=1, help="else ten a row")] = None,
    random_seed: Annotated[int, Option(min=0, help="seed of every draw")] = 42,
    reuse: ReuseFlag = Reuse.NEVER,
    language: Annotated[str, Option(help="of the seeds, such as en or zh-Hans")] = "en",
    licence: Annotated[str, Option(help="of the seeds")] = "unknown",
    format_: FormatName = "alpaca_jsonl",
    name: Annotated[str, Option(help="what to call the job")] = "",
    resume: Annotated[UUID | None, Option(help="go on with this job instead of a new one")] = None,
    home: Annotated[Path | None, Option(help="where the service keeps its data")] = None,
) -> None:
    """Use the service that runs, or start one and stop it in the end. Ctrl-C leaves nothing running
    and a paused job, which --resume goes on with."""
    settings = Settings() if home is None else Settings(home=home)
    _check_target(out, format_)
    prices = {"input_price": input_price, "output_price": output_price}
    key = read_key(api_key_env, ask_key)
    described = Described(
        registered=teacher, demo=demo, base_url=base_url, model=model, key=key, **prices
    )
    if resume is not None:
        start = partial(_resumed, job_id=resume)
    else:
        limits = {"cap_micro_usd": budget_usd, "cap_calls": max_calls, "random_seed": random_seed}
        wanted = Wanted(
            seeds=_needed(seeds, "--seeds"),
            seed_set=SeedSetDetails(_needed(seeds, "--seeds").stem, language, licence),
            rows=_needed(rows, "--rows"),
            name=name,
            method=method,
            profile=profile,
            options=read_options(option or [], methods.get(method).options),
            reuse=reuse,
            prompts=read_prompts(prompt or []),
            filters=read_filters(filter_),
            **limits,
        )
        start = _checked_start(wanted, described, settings)
    _run(settings, Task(start, out, format_, demo))


Value = TypeVar("Value")


def _needed(value: Value | None, flag: str) -> Value:
    if value is None:
        raise BadParameter("give it, or --resume JOB", param_hint=flag)
    return value


def _check_target(out: Path, format_name: str) -> None:
    formats = [each.name for each in methods.all_formats()]
    if format_name not in formats:
        raise BadParameter(f"known: {', '.join(formats)}", param_hint="--format")
    if not out.resolve().parent.is_dir():
        raise BadParameter(f"there is no directory {out.resolve().parent}", param_hint="--out")


def _checked_start(
    wanted: Wanted, described: Described, settings: Settings
) -> Callable[[LocalService], UUID]:
    """How to begin; what is wrong is found before anything is started."""
    problems = methods.option_problems(wanted.method, wanted.profile, wanted.options)
    problems += methods.prompt_problems(wanted.method, wanted.prompts)
    problems += filter_problems(wanted.method, wanted.profile, wanted.filters)
    if problems:
        raise InvalidInput("The method cannot be set up so.", problems=problems)
    read_seed_file(wanted.seeds)
    details = teacher_details(described, settings)

    def start(service: LocalService) -> UUID:
        teacher = chosen_teacher(service.runtime, described, details, service.demo_url)
        return begin(service.runtime, wanted, teacher).id

    return start


def _run(settings: Settings, task: Task) -> None:
    console = error_console()
    with (
        ending_like_interrupt(),
        local_service(settings, console, demo=task.demo) as service,
    ):
        job_id = task.start(service)
        console.print(f"job {job_id}")
        try:
            progress = see_through(service.runtime, job_id, console, check=service.check)
        except KeyboardInterrupt:
            console.print(f"paused; go on with: {_going_on(job_id, task, settings)}")
            raise
        console.print(outcome(progress))
        if progress.accepted_rows and progress.job.state is not JobState.PAUSED:
            console.print(_written(service, progress, task))
    if progress.job.state is not JobState.SUCCEEDED:
        raise Exit(FAILED)


def _going_on(job_id: UUID, task: Task, settings: Settings) -> str:
    words = ["cultivar", "generate", "--resume", str(job_id), "--out", str(task.out)]
    words += ["--format", task.format, "--home", str(settings.home)]
    return shlex.join([*words, "--demo"] if task.demo else words)


def _resumed(service: LocalService, job_id: UUID) -> UUID:
    """Go on with a job that waits; a finished one is only exported."""
    job = jobs.get(service.runtime, job_id)
    if job.state in FINAL_JOB_STATES:
        return job_id
    teacher = job.teacher_id and teachers.get(service.runtime, job.teacher_id)
    if teacher and teacher.name == DEMO_TEACHER:
        revived_demo_teacher(service.runtime, service.demo_url)
    return jobs.resume(service.runtime, job_id).id


def _written(service: LocalService, progress: JobProgress, task: Task) -> str:
    runtime, job = service.runtime, progress.job
    record = exports.request(runtime, job.id, task.format)
    record = wait_for_export(runtime, record.id, check=service.check)
    if record.state is ExportState.FAILED:
        raise InvalidInput(f"The export failed: {record.error}")
    _, path = exports.file(runtime, record.id)
    with path.open("rb") as source, written_whole(task.out) as target:
        shutil.copyfileobj(source, target)
    with written_whole(task.out.with_name(f"{task.out.name}.manifest.json")) as target:
        target.write(orjson.dumps(plain(record.manifest), option=orjson.OPT_INDENT_2))
    simulated = " (simulated)" if job.simulated else ""
    return f"{task.out}: {record.row_count:,} rows{simulated}, {dollars(job.spent_micro_usd)}"
