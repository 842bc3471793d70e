"""What is sent and shown of jobs."""

import math
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, Strict, field_validator
from pydantic_core import core_schema

from app.api.validation import carrying
from app.domain.gates import Gate
from app.domain.lifecycle import Delivery
from app.domain.materials import JobSource
from app.domain.stored import JobProgress
from app.errors import Problem
from app.use_cases import job_prompts, methods, row_rules
from app.use_cases.gathering import MOST_SOURCES
from app.use_cases.job_details import JobDetails

MAX_ROWS = 10_000_000
Identifier = Annotated[UUID, Strict(False)]


def _needed(description: str) -> Any:
    """A field that some methods cannot do without."""
    return Field(default=None, description=description, validate_default=True)


TargetRows = Annotated[int, Field(ge=1, le=MAX_ROWS, description="accepted rows wanted")]
CapMoney = Annotated[int | None, Field(ge=0, le=10**15, description="micro-USD; spent at most")]
CapCalls = Annotated[
    int | None, Field(ge=1, le=10 * MAX_ROWS, description="calls at most; default: 10 a row")
]
ReuseName = Literal["prefer", "never"]
RandomSeed = Annotated[int, Field(ge=0, le=2**63 - 1)]
DeliveryName = Annotated[Delivery, Strict(False)]


class SourceIn(BaseModel):
    """A job whose rows are mixed or judged."""

    model_config = ConfigDict(extra="forbid", strict=True)

    job_id: Identifier
    weight: Annotated[float | None, Field(ge=0, allow_inf_nan=False)] = Field(
        default=None, description="share of the mixture; of all or of none; else by its rows"
    )
    cap: Annotated[int | None, Field(ge=1, le=MAX_ROWS)] = Field(
        default=None, description="rows of it at most"
    )


class DecontaminationIn(BaseModel):
    """Evaluation sets, what counts as an overlap with them, and what becomes of the row."""

    model_config = ConfigDict(extra="forbid", strict=True)

    evaluation_set_ids: list[Identifier] = Field(min_length=1, max_length=20)
    ngram: int | None = Field(
        default=13, ge=5, le=50, description="words of a shared run; null is no such rule"
    )
    rouge_l: float | None = Field(
        default=0.7, ge=0.3, le=1.0, description="of the tasks, above; null is no such rule"
    )
    action: Literal["drop", "flag"] = "drop"


class JobIn(BaseModel):
    """A run of a method over a set of seeds, with a teacher; or over what else it draws from."""

    model_config = ConfigDict(extra="forbid", strict=True)

    method: str = "self_instruct"
    profile: str = "default"
    seed_set_id: Identifier | None = _needed("seeds, where the method draws from them")
    teacher_id: Identifier | None = _needed("who writes, where the method asks a teacher")
    target_rows: Annotated[int | None, Field(ge=1, le=MAX_ROWS)] = _needed(
        "accepted rows wanted; may be left out where no seeds are drawn from: all there are"
    )
    labelled_set_id: Identifier | None = _needed("labelled rows, for the method template")
    template_set_id: Identifier | None = Field(
        default=None, description="templates for them; without, each row is a task itself"
    )
    sources: list[SourceIn] = Field(
        default_factory=list[SourceIn],
        description="finished jobs for the method mix, any for judge",
        validate_default=True,
        max_length=MOST_SOURCES,
    )
    name: str = Field(default="", max_length=200)
    options: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="options of the method, see /v1/methods"
    )
    cap_micro_usd: CapMoney = None
    cap_calls: CapCalls = None
    random_seed: RandomSeed = 42
    delivery: DeliveryName = Field(
        default=Delivery.CALLS,
        description="calls: one by one; batch: many as one file, at the teacher's batch prices",
    )
    tokens: Literal["rouge", "unicode"] | None = Field(
        default=None, description="tokenizer of novelty; default: the seed set's"
    )
    embedder_id: Identifier | None = Field(
        default=None,
        description="teacher whose endpoint is embeddings, for the option semantic_threshold",
    )
    reuse: ReuseName = Field(
        default="never",
        description="prefer: take what earlier jobs paid for under the same prompts and settings",
    )
    prompts: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="texts in the place of ours by step, see `prompts` of /v1/methods/{name}",
    )

    filters: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="by name: true, false, drop, flag, or an object of settings; see /v1/filters",
    )
    decontamination: DecontaminationIn | None = Field(
        default=None, description="evaluation sets that rows are held against"
    )

    @field_validator("seed_set_id", "teacher_id", "target_rows", "labelled_set_id", "sources")
    @classmethod
    def _given(cls, value: Any, info: core_schema.ValidationInfo) -> Any:
        """What is missing is told with all other faults."""
        method = info.data.get("method")
        if not value and method is not None and methods.needs(method, str(info.field_name)):
            problem = Problem(f"/{info.field_name}", "missing_field", "is required")
            raise carrying([problem])
        return value

    @field_validator("filters")
    @classmethod
    def _sound(cls, filters: dict[str, Any], info: core_schema.ValidationInfo) -> dict[str, Any]:
        """Judged here too, as the options are."""
        method, profile = info.data.get("method", ""), info.data.get("profile", "")
        problems = row_rules.filter_problems(method, profile, filters)
        if problems:
            raise carrying(problems)
        return filters

    @field_validator("options")
    @classmethod
    def _judged(cls, options: dict[str, Any], info: core_schema.ValidationInfo) -> dict[str, Any]:
        """Options are judged here too, so that their faults are told with all the others."""
        method, profile = info.data.get("method"), info.data.get("profile")
        if method is not None and profile is not None:
            problems = methods.option_problems(method, profile, options)
            if problems:
                raise carrying(problems)
        return options

    @field_validator("prompts")
    @classmethod
    def _fitting(cls, prompts: dict[str, str], info: core_schema.ValidationInfo) -> dict[str, str]:
        """Texts are judged here too, for the same reason."""
        method = info.data.get("method")
        problems = [] if method is None else methods.prompt_problems(method, prompts)
        if problems:
            raise carrying(problems)
        return prompts

    def details(self) -> JobDetails:
        """The same for a use case."""
        given = self.model_dump(exclude={"sources"})
        sources = [JobSource(each.job_id, each.weight, each.cap) for each in self.sources]
        return JobDetails(**given, sources=sources)


class JobChangesIn(BaseModel):
    """What shall be different; what is left out or null stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str | None, Field(max_length=200)] = None
    target_rows: TargetRows | None = None
    cap_micro_usd: CapMoney = None
    cap_calls: CapCalls = None


class RetryIn(BaseModel):
    """What to do again: `failed` calls only, or all that the target still needs."""

    model_config = ConfigDict(extra="forbid", strict=True)

    only: Literal["failed"] | None = None


class CallCountsOut(BaseModel):
    """Calls to the teacher: accepted + rejected + failed + pending = issued."""

    issued: int
    accepted: int
    rejected: int
    failed: int
    pending: int


class RowCountsOut(BaseModel):
    """Rows made; `surplus` is what was accepted beyond the target and is not exported."""

    accepted: int
    rejected: int
    surplus: int


class MoneyOut(BaseModel):
    """Money in micro-USD; `reserved` is held for calls under way."""

    cap_micro_usd: int | None
    spent_micro_usd: int
    reserved_micro_usd: int
    micro_usd_per_accepted_row: int | None = Field(
        description="spent so far by accepted rows so far, rounded up"
    )


class SavedOut(BaseModel):
    """Calls that were not made because a reply was stored, and what those replies had cost."""

    calls: int
    micro_usd: int


class WarningOut(BaseModel):
    """What a person should know although the job goes on."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    detail: str


class SetOverlapsOut(BaseModel):
    """How many rows, and instructions before their answer, overlap with an evaluation set."""

    model_config = ConfigDict(from_attributes=True)

    evaluation_set_id: UUID
    by_rule: dict[str, int] = Field(description="ngram_overlap and rouge_l_overlap")


class LinksOut(BaseModel):
    """Where the parts of a job are."""

    self: str
    events: str
    calls: str
    batches: str
    candidates: str
    rows: str
    seed_set: str | None
    labelled_set: str | None
    template_set: str | None
    teacher: str | None


class JobOut(BaseModel):
    """A job and how far it is."""

    id: UUID
    name: str
    state: str
    reason: str | None = Field(description="why it stands there, such as target_reached")
    detail: str | None
    method: str
    profile: str
    options: dict[str, Any]
    prompts: dict[str, str] = Field(
        description="of the texts given with the job by step: the version that their calls carry"
    )
    filters: dict[str, Any] = Field(
        description="those that are on, with every setting; null: switched off in the method"
    )
    decontamination: dict[str, Any] | None
    seed_set_id: UUID | None = Field(description="null where the method draws from elsewhere")
    labelled_set_id: UUID | None = Field(description="of the method template")
    template_set_id: UUID | None
    teacher_id: UUID | None = Field(description="null where no teacher is asked")
    embedder_id: UUID | None = Field(description="compares meaning, where that was asked for")
    random_seed: int
    delivery: str = Field(description="calls or batch")
    simulated: bool = Field(description="whether the rows were made up by a demo teacher")
    target_rows: int
    cap_calls: int
    money: MoneyOut
    reuse: ReuseName
    saved: SavedOut = Field(description="by reusing what earlier jobs had paid for")
    calls: CallCountsOut
    candidates: dict[str, int] = Field(description="instructions proposed, by state")
    rows: RowCountsOut
    drops: dict[str, int] = Field(description="what was dropped, by the first reason")
    flags: dict[str, int] = Field(description="what was found in rows that stand, by its name")
    overlaps: list[SetOverlapsOut] = Field(description="with each evaluation set")
    errors: dict[str, int] = Field(description="attempts that failed, by kind")
    warnings: list[WarningOut] = Field(description="such as replies_cut: many were cut off")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime
    links: LinksOut


class GateOut(BaseModel):
    """How the fleet's door to the teacher stands, over all the jobs that it writes for."""

    open: bool = Field(description="whether calls are let through")
    closed_s: int = Field(description="how much longer it stays shut")
    sent: int = Field(description="calls that are with the teacher")
    waiting: int = Field(description="calls that wait for the gate, a budget or their turn")
    concurrency: int = Field(description="calls that the teacher is given at once now")
    per_minute: int | None = Field(description="the rate that its refusals have taught")


class JobStatusOut(JobOut):
    """A job and when to ask again."""

    gate: GateOut | None = Field(description="null while no worker holds calls for the teacher")
    poll_after_s: int = Field(description="ask again after so many seconds, as in Retry-After")


def shown_gate(gate: Gate | None) -> GateOut | None:
    """A gate as it is shown, in whole seconds."""
    if gate is None:
        return None
    return GateOut(
        open=gate.is_open,
        closed_s=math.ceil(gate.closed_s),
        sent=gate.sent,
        waiting=gate.waiting,
        concurrency=gate.concurrency,
        per_minute=None if gate.per_minute is None else round(gate.per_minute),
    )


def shown(progress: JobProgress) -> JobOut:
    """A job as it is shown."""
    job, rows = progress.job, progress.rows
    same = JobOut.model_fields.keys() - {
        "money", "saved", "calls", "candidates", "rows", "drops", "flags", "overlaps", "errors",
        "warnings", "links", "prompts",
    }  # fmt: skip
    return JobOut(
        **{name: getattr(job, name) for name in same},
        prompts=dict(job_prompts.prompt_versions(job)),
        money=_money(progress),
        saved=SavedOut(calls=job.reused_calls, micro_usd=job.saved_micro_usd),
        calls=CallCountsOut(**progress.calls),
        candidates=dict(progress.candidates),
        rows=RowCountsOut(
            accepted=progress.accepted_rows,
            rejected=rows.get("rejected", 0),
            surplus=progress.surplus,
        ),
        drops=dict(progress.drops),
        flags=dict(progress.flags),
        overlaps=[SetOverlapsOut.model_validate(each) for each in progress.overlaps],
        errors=dict(progress.errors),
        warnings=[WarningOut.model_validate(each) for each in progress.warnings],
        links=_links(progress),
    )


def _money(progress: JobProgress) -> MoneyOut:
    job = progress.job
    return MoneyOut(
        cap_micro_usd=job.cap_micro_usd,
        spent_micro_usd=job.spent_micro_usd,
        reserved_micro_usd=job.reserved_micro_usd,
        micro_usd_per_accepted_row=progress.micro_usd_per_accepted_row,
    )


def _links(progress: JobProgress) -> LinksOut:
    job = progress.job
    own = f"/v1/jobs/{job.id}"
    return LinksOut(
        self=own,
        events=f"{own}/events",
        calls=f"{own}/calls",
        batches=f"{own}/batches",
        candidates=f"{own}/candidates",
        rows=f"{own}/rows",
        seed_set=_link("seed-sets", job.seed_set_id),
        labelled_set=_link("labelled-sets", job.labelled_set_id),
        template_set=_link("template-sets", job.template_set_id),
        teacher=_link("teachers", job.teacher_id),
    )


def _link(family: str, key: UUID | None) -> str | None:
    return None if key is None else f"/v1/{family}/{key}"
