"""The form of a new job: what there is to choose from, what was chosen, and what an old job had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson

from app.dashboard.forms import Form, Reading, all_problems
from app.dashboard.option_fields import (
    PREFIX,
    OptionGroups,
    read_options,
    shown_options,
    typed,
)
from app.domain.lifecycle import Delivery
from app.domain.materials import JobSource, LabelledSet, TemplateSet
from app.domain.profiles import DEFAULT_PROFILE
from app.domain.reuse import Reuse
from app.domain.stored import Job, SeedSet, TeacherRecord
from app.domain.tokens import Tokens
from app.errors import InvalidInput, Problem
from app.runtime import Runtime
from app.use_cases import estimates, labelled_sets, methods, seed_sets, teachers, template_sets
from app.use_cases.estimates import JobEstimate
from app.use_cases.jobs import JobDetails
from app.use_cases.methods import MethodDescription

EMBEDDINGS = "embeddings"
MOST_OFFERED = 200
FIRST_METHOD = "self_instruct"
FIRST_ROWS = "200"
_NO_WEIGHT = "-"


@dataclass(frozen=True, slots=True)
class Offered:
    """What a form of a new job offers; of many seed sets and teachers the newest."""

    seed_sets: Sequence[SeedSet]
    labelled_sets: Sequence[LabelledSet]
    template_sets: Sequence[TemplateSet]
    writers: Sequence[TeacherRecord]
    embedders: Sequence[TeacherRecord]
    methods: Sequence[MethodDescription]
    method: MethodDescription
    profile: str
    options: OptionGroups


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
        writers=[each for each in found if each.endpoint != EMBEDDINGS],
        embedders=[each for each in found if each.endpoint == EMBEDDINGS],
        methods=known,
        method=method,
        profile=profile,
        options=shown_options(method.options, method.profiles[profile], form),
    )


def read_job(form: Form) -> tuple[JobDetails, Sequence[Problem]]:
    """The job as described, with stand-ins for what cannot be read, and what cannot be read."""
    reading = Reading(form)
    method = form.text("method", FIRST_METHOD)
    known = {each.name: each.options for each in methods.all_methods()}
    details = JobDetails(
        **_materials(reading, method),
        name=form.text("name"),
        method=method,
        profile=form.text("profile") or DEFAULT_PROFILE,
        options=read_options(known.get(method, ()), form),
        cap_micro_usd=reading.micro_usd("cap_micro_usd"),
        cap_calls=reading.integer("cap_calls"),
        random_seed=reading.integer("random_seed", 42) or 0,
        delivery=Delivery(reading.choice("delivery", [*Delivery], Delivery.CALLS)),
        tokens=_tokens(reading),
        embedder_id=reading.optional_id("embedder_id"),
        reuse=reading.choice("reuse", [*Reuse], Reuse.NEVER),
        prompts=_texts(reading, "prompts"),
        filters=reading.json_object("filters"),
        decontamination=reading.json_object("decontamination") or None,
    )
    return details, reading.problems


def _materials(reading: Reading, method: str) -> dict[str, Any]:
    """What a method draws from, and for one that asks a teacher, whom and for how many rows.

    The form shows no other fields; one that an earlier choice of method left behind is not read.
    """
    found: dict[str, Any] = {"target_rows": reading.integer("target_rows")}
    if methods.needs(method, "teacher_id") or not methods.known(method):
        found["teacher_id"] = reading.required_id("teacher_id")
        found["target_rows"] = reading.required_integer("target_rows")
    if methods.needs(method, "labelled_set_id"):
        found["labelled_set_id"] = reading.required_id("labelled_set_id")
        found["template_set_id"] = reading.optional_id("template_set_id")
    elif methods.needs(method, "sources"):
        found["sources"] = _sources(reading)
    else:
        found["seed_set_id"] = reading.required_id("seed_set_id")
    return found


def _sources(reading: Reading) -> Sequence[JobSource]:
    """A job a line: its id, then perhaps its weight (- is none), then perhaps a cap."""
    found: list[JobSource] = []
    for line in filter(None, map(str.strip, reading.form.raw("sources").split("\n"))):
        try:
            found.append(_source(*line.split()))
        except (TypeError, ValueError):
            detail = f"{line[:80]} is no line of a job's id, weight and cap, as in: ID 0.4 1000"
            reading.refuse("sources", "wrong_type", detail)
    if not found and not reading.form.text("sources"):
        reading.refuse("sources", "missing_field", "is required")
    return found


def _line(source: JobSource) -> str:
    """A job as its line in the form."""
    weight = _NO_WEIGHT if source.weight is None else f"{source.weight:g}"
    return " ".join(map(str, (source.job_id, weight, *((source.cap,) if source.cap else ()))))


def _source(job_id: str, weight: str = _NO_WEIGHT, cap: str = "") -> JobSource:
    share = None if weight == _NO_WEIGHT else float(weight)
    return JobSource(UUID(job_id), share, int(cap) if cap else None)


def _texts(reading: Reading, name: str) -> Mapping[str, str]:
    found = reading.json_object(name)
    for step, text in found.items():
        if not isinstance(text, str):
            reading.refuse(name, "wrong_type", f"the text of {step[:80]} must be text")
            return {}
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
        return Reckoned(details, None, all_problems(unread, error.problems))
    return Reckoned(details, None if unread else estimate, unread)


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
    same = ("seed_set_id", "teacher_id", "target_rows", "method", "profile", "cap_calls")
    same += ("labelled_set_id", "template_set_id")
    more = ("random_seed", "delivery", "reuse", "embedder_id", "name")
    fields |= {name: [_text(getattr(job, name))] for name in (*same, *more)}
    fields["sources"] = ["\n".join(map(_line, sources))]
    filters = {name: False if each is None else each for name, each in job.filters.items()}
    told = {"prompts": job.prompts, "filters": filters, "decontamination": job.decontamination}
    fields |= {name: [_json(value)] for name, value in told.items()}
    cap = job.cap_micro_usd
    fields["cap_micro_usd"] = ["" if cap is None else f"{cap / 1_000_000:.6f}".rstrip("0")]
    return Form(fields)


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() if value else ""


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
