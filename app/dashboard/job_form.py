"""The form of a new job: what there is to choose from, what was chosen, and what an old job had."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.dashboard.forms import Form, Reading, all_problems
from app.dashboard.option_fields import (
    PREFIX,
    OptionGroups,
    read_options,
    shown_options,
    typed,
)
from app.dashboard.prompt_fields import ShownPrompt, prompt_texts, read_prompts, shown_prompts
from app.dashboard.rule_fields import (
    ShownRules,
    decontamination_texts,
    filter_texts,
    read_decontamination,
    read_filters,
    shown_rules,
)
from app.domain.lifecycle import Delivery
from app.domain.materials import JobSource, LabelledSet, Material, TemplateSet
from app.domain.profiles import DEFAULT_PROFILE
from app.domain.reuse import Reuse
from app.domain.stored import Job, JobProgress, SeedSet, TeacherRecord
from app.domain.tokens import Tokens
from app.errors import InvalidInput, Problem
from app.runtime import Runtime
from app.use_cases import (
    estimates,
    jobs,
    labelled_sets,
    methods,
    seed_sets,
    teachers,
    template_sets,
)
from app.use_cases.estimates import JobEstimate
from app.use_cases.jobs import JobDetails
from app.use_cases.methods import MethodDescription

EMBEDDINGS, SCORE, WRITING = "embeddings", "score", ("chat", "completions")
JUDGE = "judge"
MOST_OFFERED = 200
FIRST_METHOD = "self_instruct"
FIRST_ROWS = "200"
# A job to mix is ticked in the field of this name; beside it are its weight and its cap.
SOURCE, WEIGHT, CAP = "sources", "sources/weight/", "sources/cap/"
_SETS = ("seed", "labelled", "template")
_PARTS = re.compile(r"^(/filters/\w+)/action$|^(/decontamination/\w+)/\d+$")


@dataclass(frozen=True, slots=True)
class Offered:
    """What a form of a new job offers; of many seed sets and teachers the newest."""

    seed_sets: Sequence[SeedSet]
    labelled_sets: Sequence[LabelledSet]
    template_sets: Sequence[TemplateSet]
    finished: Sequence[JobProgress]
    writers: Sequence[TeacherRecord]
    embedders: Sequence[TeacherRecord]
    methods: Sequence[MethodDescription]
    method: MethodDescription
    profile: str
    options: OptionGroups
    rules: ShownRules
    prompts: Sequence[ShownPrompt]


def offered(runtime: Runtime, form: Form) -> Offered:
    """The choices that go with what was chosen so far; an unknown method offers the first one."""
    known = methods.all_methods()
    wanted = form.text("method", FIRST_METHOD)
    method = next((each for each in known if each.name == wanted), known[0])
    profile = form.text("profile", DEFAULT_PROFILE)
    profile = profile if profile in method.profiles else DEFAULT_PROFILE
    found = teachers.page(runtime, limit=MOST_OFFERED).items
    return Offered(
        seed_sets=seed_sets.page(runtime, limit=MOST_OFFERED).items,
        labelled_sets=labelled_sets.page(runtime, limit=MOST_OFFERED).items,
        template_sets=template_sets.page(runtime, limit=MOST_OFFERED).items,
        finished=_with_rows(runtime, method.name) if method.draws_from == Material.JOBS else (),
        writers=[each for each in found if _can_write(each, method.name)],
        embedders=[each for each in found if each.endpoint == EMBEDDINGS],
        methods=known,
        method=method,
        profile=profile,
        options=shown_options(method.options, method.profiles[profile], form),
        rules=shown_rules(runtime, method.name, profile, form),
        prompts=shown_prompts(method, profile, form),
    )


def read_job(form: Form) -> tuple[JobDetails, Sequence[Problem]]:
    """The job as described, with stand-ins for what cannot be read, and what cannot be read."""
    reading = Reading(form)
    method = form.text("method", FIRST_METHOD)
    profile = form.text("profile") or DEFAULT_PROFILE
    known = next((each for each in methods.all_methods() if each.name == method), None)
    details = JobDetails(
        seed_set_id=reading.optional_id("seed_set_id"),
        labelled_set_id=reading.optional_id("labelled_set_id"),
        template_set_id=reading.optional_id("template_set_id"),
        sources=_sources(reading),
        teacher_id=reading.optional_id("teacher_id"),
        target_rows=reading.integer("target_rows"),
        name=form.text("name"),
        method=method,
        profile=profile,
        options=read_options(known.options if known else (), form),
        cap_micro_usd=reading.micro_usd("cap_micro_usd"),
        cap_calls=reading.integer("cap_calls"),
        random_seed=reading.integer("random_seed", 42) or 0,
        delivery=Delivery(reading.choice("delivery", [*Delivery], Delivery.CALLS)),
        tokens=_tokens(reading),
        embedder_id=reading.optional_id("embedder_id"),
        reuse=reading.choice("reuse", [*Reuse], Reuse.NEVER),
        prompts=read_prompts(known.prompts if known else (), form),
        filters=read_filters(reading, method, profile),
        decontamination=read_decontamination(reading),
    )
    return details, reading.problems


def _with_rows(runtime: Runtime, method: str) -> Sequence[JobProgress]:
    """Jobs with rows that a method takes, the newest of the last few hundred."""
    found = jobs.page(runtime, limit=MOST_OFFERED).items
    running = methods.draws_running(method)
    return [each for each in found if each.accepted_rows and (running or each.job.finished_at)]


def _can_write(teacher: TeacherRecord, method: str) -> bool:
    """What only scores rows is of use to a judging job alone."""
    return teacher.endpoint in WRITING or (teacher.endpoint == SCORE and method == JUDGE)


def _sources(reading: Reading) -> Sequence[JobSource]:
    """The ticked jobs, each with the weight and the cap beside it."""
    found: list[JobSource] = []
    for key in dict.fromkeys(reading.form.texts(SOURCE)):
        try:
            job_id = UUID(key)
        except ValueError:
            reading.refuse(SOURCE, "not_found", "there is no such job")
            continue
        weight = f"{WEIGHT}{key}"
        given = reading.number(weight, 0.0) if reading.form.text(weight) else None
        found.append(JobSource(job_id, given, reading.integer(f"{CAP}{key}")))
    return found


def _tokens(reading: Reading) -> str | None:
    """The tokenizer that was named; None is that of the seed set."""
    return (
        reading.choice("tokens", [*Tokens], Tokens.ROUGE) if reading.form.text("tokens") else None
    )


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What a job as described would come to, or everything that is wrong with it."""

    details: JobDetails
    estimate: JobEstimate | None
    problems: Sequence[Problem]


def reckoned(runtime: Runtime, form: Form) -> Reckoned:
    """Estimate the job of a form; nothing is stored and no call is made."""
    details, unread = read_job(form)
    try:
        estimate = estimates.of_job(runtime, details)
    except InvalidInput as error:
        return Reckoned(details, None, all_problems(unread, at_fields(error.problems)))
    return Reckoned(details, None if unread else estimate, unread)


def at_fields(problems: Sequence[Problem]) -> Sequence[Problem]:
    """The problems at fields that the form has: none for the action of a filter, or one set."""
    return [Problem(_PARTS.sub(r"\1\2", each.pointer), each.code, each.detail) for each in problems]


def form_of_job(job: Job, sources: Sequence[JobSource] = ()) -> Form:
    """The form that would submit the same job again; only options that differ are filled in."""
    method = methods.get(job.method)
    defaults = {each.name: each.default for each in method.options} | dict(
        method.profiles.get(job.profile, {})
    )
    fields: dict[str, Sequence[str]] = {
        PREFIX + each.name: typed(each, job.options[each.name])
        for each in method.options
        if each.name in job.options and job.options[each.name] != _plain(defaults[each.name])
    }
    fields[SOURCE] = [str(each.job_id) for each in sources]
    fields |= {f"{WEIGHT}{each.job_id}": [_text(each.weight)] for each in sources}
    fields |= {f"{CAP}{each.job_id}": [_text(each.cap)] for each in sources}
    fields |= {f"{name}_set_id": [_text(getattr(job, f"{name}_set_id"))] for name in _SETS}
    same = ("teacher_id", "target_rows", "method", "profile", "cap_calls")
    more = ("random_seed", "delivery", "reuse", "embedder_id", "name")
    fields |= {name: [_text(getattr(job, name))] for name in (*same, *more)}
    fields |= {**prompt_texts(job.prompts), **filter_texts(job.filters)}
    fields |= decontamination_texts(job.decontamination)
    cap = job.cap_micro_usd
    fields["cap_micro_usd"] = ["" if cap is None else f"{cap / 1_000_000:.6f}".rstrip("0")]
    return Form(fields)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _text(value: object) -> str:
    return "" if value is None else str(value)


def without_profile(form: Form) -> Form:
    """The form after another method was chosen: its profiles are others."""
    kept: Mapping[str, Sequence[str]] = {
        name: values for name, values in form.fields.items() if name != "profile"
    }
    return replace(form, fields=kept)
