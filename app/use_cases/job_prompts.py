"""A user's own prompt texts of a job: checked before it is submitted, told by version after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.db import jobs
from app.domain.language import Language
from app.domain.profiles import PublishedMethod
from app.domain.prompts.library import prompt_file
from app.domain.prompts.own_texts import (
    SYSTEM,
    prompt_texts,
    text_problems,
    versions,
    with_own_texts,
)
from app.domain.spoken import SpokenMethod
from app.domain.stored import Job
from app.errors import NotFound, Problem
from app.runtime import Runtime


@dataclass(frozen=True, slots=True)
class JobPrompt:
    """One text that a job sends: ours, or the user's `own`; `version` is what its calls carry."""

    name: str
    version: str
    own: bool
    text: str


def prompt_problems(
    name: str, method: PublishedMethod | None, prompts: Mapping[str, object]
) -> Iterator[Problem]:
    """What is wrong with the texts given for a method of that name."""
    yield from text_problems(name, prompts)
    if getattr(method, "guide_chat", True):
        return
    for each in prompts:
        if each.endswith(SYSTEM):
            detail = "would never be sent: the option guide_chat is false"
            yield Problem(f"/prompts/{each[:80]}", "conflicting_options", detail)


def with_prompts(method: PublishedMethod, prompts: Mapping[str, str]) -> PublishedMethod:
    """The method with the user's texts in the place of ours."""
    speaks = isinstance(method, SpokenMethod)
    return replace(method, own_texts=dict(prompts)) if speaks and prompts else method


def prompt_versions(job: Job) -> Mapping[str, str]:
    """The version of every text of the user's in a job, by name."""
    return versions(job.method, _language(job), job.prompts)


def of_job(runtime: Runtime, job_id: UUID) -> Sequence[JobPrompt]:
    """Every text that a job may send, in its language; raises NotFound."""
    with runtime.database.transaction() as connection:
        job = jobs.get(connection, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    return [_prompt(job, each.name) for each in prompt_texts(job.method)]


def _prompt(job: Job, name: str) -> JobPrompt:
    step = name.removesuffix(SYSTEM)
    file = with_own_texts(prompt_file(job.method, step, _language(job)), step, job.prompts)
    text = (file.system or "") if name.endswith(SYSTEM) else file.frame
    return JobPrompt(name, file.label, name in job.prompts, text)


def _language(job: Job) -> str:
    return str(job.options.get("language", Language.ENGLISH))
