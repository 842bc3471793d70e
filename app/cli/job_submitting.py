"""`cultivar jobs submit` and `cultivar jobs estimate`: the same words, run or only reckoned."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from typer import Exit, Option

from app.cli.connection import connected
from app.cli.errors import FAILED, INTERRUPTED
from app.cli.filter_choice import (
    Contaminated,
    EvaluationSets,
    FilterPairs,
    NGram,
    RougeL,
    read_decontamination,
    read_filters,
)
from app.cli.method_options import OptionPairs, read_options
from app.cli.money import Money
from app.cli.names import labelled_set_id, seed_set_id, teacher_id, template_set_id
from app.cli.prompt_files import PromptFiles, read_prompts
from app.cli.terminal import (
    AsJson,
    console,
    dollars,
    error_console,
    show_facts,
    show_json,
)
from app.domain.estimate import Expected
from app.domain.filter import Action
from app.domain.lifecycle import Delivery, JobState
from app.domain.materials import JobSource
from app.domain.method import Prompt
from app.domain.reuse import Reuse
from app.domain.tokens import Tokens
from app.embedded.following import follow, outcome
from app.errors import InvalidInput
from app.files.excerpt import visible
from app.runtime import Runtime
from app.use_cases import estimates, jobs, methods
from app.use_cases.estimates import JobEstimate
from app.use_cases.jobs import JobDetails

SeedSetName = Annotated[str | None, Option(help="the seed set's id or name")]
TeacherName = Annotated[str | None, Option(help="the teacher's id or name")]
Rows = Annotated[
    int | None, Option(min=1, help="accepted rows wanted; else all, where no teacher is asked")
]
LabelledSetName = Annotated[
    str | None, Option(help="id or name of the labelled set (method template)")
]
TemplateSetName = Annotated[
    str | None, Option(help="id or name of the template set (method template)")
]
Sources = Annotated[
    list[str] | None,
    Option(
        metavar="JOB[=WEIGHT]",
        help="a job to mix or to judge (methods mix, judge); may be repeated",
    ),
]
SourceCaps = Annotated[
    list[str] | None, Option(metavar="JOB=ROWS", help="rows of that job at most; may be repeated")
]
JobName = Annotated[str, Option(help="what to call the job")]
MethodName = Annotated[str, Option(help="see `cultivar methods list`")]
ProfileName = Annotated[str, Option(help="named settings of the method")]
MostCalls = Annotated[int | None, Option(min=1, help="else ten a row")]
RandomSeed = Annotated[int, Option(min=0, help="seed of every draw")]
TokensName = Annotated[Tokens | None, Option(help="else the seed set's")]
EmbedderName = Annotated[
    str | None, Option(help="id or name of the embedder, for the option semantic_threshold")
]
ReuseFlag = Annotated[
    Reuse, Option(help="prefer: take replies that earlier jobs paid for under the same prompts")
]
DeliveryFlag = Annotated[
    Delivery, Option(help="calls one by one, or batch files at the teacher's batch prices")
]


def submit(
    seed_set: SeedSetName = None,
    teacher: TeacherName = None,
    rows: Rows = None,
    labelled_set: LabelledSetName = None,
    template_set: TemplateSetName = None,
    source: Sources = None,
    source_cap: SourceCaps = None,
    name: JobName = "",
    method: MethodName = "self_instruct",
    profile: ProfileName = "default",
    option: OptionPairs = None,
    prompt: PromptFiles = None,
    filter_: FilterPairs = None,
    evaluation_set: EvaluationSets = None,
    ngram: NGram = 13,
    rouge_l: RougeL = 0.7,
    contaminated: Contaminated = Action.DROP,
    budget_usd: Money = None,
    max_calls: MostCalls = None,
    random_seed: RandomSeed = 42,
    tokens: TokensName = None,
    embedder: EmbedderName = None,
    reuse: ReuseFlag = Reuse.NEVER,
    delivery: DeliveryFlag = Delivery.CALLS,
    watch: Annotated[bool, Option("--watch", help="follow it until it settles")] = False,
    as_json: AsJson = False,
) -> None:
    """Queue a job; workers begin at once. What it should come to is said on standard error."""
    options = read_options(option or [], methods.get(method).options)
    prompts = read_prompts(prompt or [])
    with connected() as runtime:
        details = JobDetails(
            **_materials(runtime, seed_set, teacher, labelled_set, template_set),
            sources=read_sources(source or (), source_cap or ()),
            target_rows=rows,
            name=name,
            method=method,
            profile=profile,
            options=options,
            filters=read_filters(filter_),
            decontamination=read_decontamination(
                runtime, evaluation_set, ngram, rouge_l, contaminated
            ),
            cap_micro_usd=budget_usd,
            cap_calls=max_calls,
            random_seed=random_seed,
            tokens=tokens,
            embedder_id=teacher_id(runtime, embedder) if embedder else None,
            reuse=reuse,
            delivery=delivery,
            prompts=prompts,
        )
        expected = estimates.of_job(runtime, details)
        job = jobs.submit(runtime, details)
        error_console().print(_in_a_line(expected), markup=False, highlight=False, soft_wrap=True)
        show_json(job) if as_json else console().print(f"submitted: {job.id}  {job.name}")
        if watch:
            follow_to_end(runtime, job.id)


def estimate(
    seed_set: SeedSetName = None,
    teacher: TeacherName = None,
    rows: Rows = None,
    labelled_set: LabelledSetName = None,
    template_set: TemplateSetName = None,
    source: Sources = None,
    source_cap: SourceCaps = None,
    name: JobName = "",
    method: MethodName = "self_instruct",
    profile: ProfileName = "default",
    option: OptionPairs = None,
    prompt: PromptFiles = None,
    filter_: FilterPairs = None,
    evaluation_set: EvaluationSets = None,
    ngram: NGram = 13,
    rouge_l: RougeL = 0.7,
    contaminated: Contaminated = Action.DROP,
    budget_usd: Money = None,
    max_calls: MostCalls = None,
    random_seed: RandomSeed = 42,
    tokens: TokensName = None,
    embedder: EmbedderName = None,
    reuse: ReuseFlag = Reuse.NEVER,
    delivery: DeliveryFlag = Delivery.CALLS,
    show_prompt: Annotated[
        bool, Option("--show-prompt", help="show the first prompt as well")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What a job would come to: calls, tokens, money and time, and what these figures rest on.

    Nothing is stored and no call is made.
    """
    options = read_options(option or [], methods.get(method).options)
    prompts = read_prompts(prompt or [])
    with connected() as runtime:
        details = JobDetails(
            **_materials(runtime, seed_set, teacher, labelled_set, template_set),
            sources=read_sources(source or (), source_cap or ()),
            target_rows=rows,
            name=name,
            method=method,
            profile=profile,
            options=options,
            filters=read_filters(filter_),
            decontamination=read_decontamination(
                runtime, evaluation_set, ngram, rouge_l, contaminated
            ),
            cap_micro_usd=budget_usd,
            cap_calls=max_calls,
            random_seed=random_seed,
            tokens=tokens,
            embedder_id=teacher_id(runtime, embedder) if embedder else None,
            reuse=reuse,
            delivery=delivery,
            prompts=prompts,
        )
        found = estimates.of_job(runtime, details)
    show_json(found) if as_json else _show_estimate(found, show_prompt=show_prompt)


def _show_estimate(found: JobEstimate, *, show_prompt: bool) -> None:
    show_facts(_facts(found))
    console().print("\nThis rests on:")
    for each in found.assumptions:
        console().print(f"  {each.text}", markup=False, highlight=False)
    if show_prompt and found.first_prompt is not None:
        _show_prompt(found.first_prompt)


def _show_prompt(prompt: Prompt) -> None:
    console().print(f"\nThe first prompt, {prompt.version}:")
    turns = [
        *([prompt.system] if prompt.system else []),
        *(each.content for each in prompt.history),
    ]
    for text in (*turns, prompt.text):
        for line in text.splitlines():
            console().print(f"  {visible(line)}", markup=False, highlight=False, soft_wrap=True)


def _materials(
    runtime: Runtime,
    seed_set: str | None,
    teacher: str | None,
    labelled_set: str | None,
    template_set: str | None,
) -> dict[str, Any]:
    """The ids of what was named."""
    named = (
        ("seed_set_id", seed_set, seed_set_id),
        ("teacher_id", teacher, teacher_id),
        ("labelled_set_id", labelled_set, labelled_set_id),
        ("template_set_id", template_set, template_set_id),
    )
    return {field: find(runtime, name) for field, name, find in named if name is not None}


def read_sources(sources: Sequence[str], caps: Sequence[str]) -> Sequence[JobSource]:
    """Jobs with their weights and caps; raises InvalidInput for what cannot be read."""
    most = {_job_id(name): _count(count) for name, _, count in (c.partition("=") for c in caps)}
    found: list[JobSource] = []
    for each in sources:
        name, sign, weight = each.partition("=")
        job_id = _job_id(name)
        found.append(JobSource(job_id, _weight(weight) if sign else None, most.pop(job_id, None)))
    if most:
        names = ", ".join(map(str, most))
        raise InvalidInput(f"--source-cap names {names}, which no --source names.")
    return found


def _job_id(text: str) -> UUID:
    try:
        return UUID(text.strip())
    except ValueError:
        raise InvalidInput(f"{text!r} is no job's id; `cultivar jobs list` shows them.") from None


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no weight; give a number, as in JOB=0.4.") from None


def _count(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no number of rows; give JOB=ROWS.") from None


def follow_to_end(runtime: Runtime, job_id: UUID) -> None:
    """Follow to the end; a job that did not succeed is a failed command."""
    try:
        progress = follow(runtime, job_id, error_console())
    except KeyboardInterrupt:
        error_console().print(f"the job goes on; watch it again: cultivar jobs watch {job_id}")
        raise Exit(INTERRUPTED) from None
    console().print(outcome(progress))
    if progress.job.state is not JobState.SUCCEEDED:
        raise Exit(FAILED)


def _facts(found: JobEstimate) -> Mapping[str, object]:
    whole = found.estimate
    facts: dict[str, object] = {"rows": whole.rows}
    facts |= {name.replace("_", " "): _amount(each) for name, each in _amounts(found)}
    if whole.micro_usd is None:
        facts["money"] = found.no_money
    else:
        facts["money"] = f"{dollars(whole.micro_usd.expected)}, at most {_most_money(found)}"
        facts["a row"] = dollars(whole.micro_usd_per_row)
    return facts | {"time": f"about {_duration(whole.expected_s)}"}


def _amounts(found: JobEstimate) -> Iterator[tuple[str, Expected]]:
    for name in ("calls", "prompt_tokens", "completion_tokens", "embedding_tokens"):
        amount = getattr(found.estimate, name)
        if amount is not None:
            yield name, amount


def _amount(each: Expected) -> str:
    return f"{each.expected:,}, at most {each.most:,}"


def _most_money(found: JobEstimate) -> str:
    money = found.estimate.micro_usd
    return dollars(money.most if money else None)


def _in_a_line(found: JobEstimate) -> str:
    whole = found.estimate
    money = "no prices"
    if whole.micro_usd is not None:
        money = f"{dollars(whole.micro_usd.expected)} (at most {_most_money(found)})"
    return (
        f"expected: {whole.rows:,} rows, {whole.calls.expected:,} calls, {money}, "
        f"about {_duration(whole.expected_s)}"
    )


def _duration(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} s"
    minutes = -(-seconds // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
