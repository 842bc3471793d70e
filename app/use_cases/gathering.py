"""What a job is to draw from, looked up before it is stored: seeds, labelled rows, other jobs."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.db import job_sources, jobs, labelled_sets, pools, template_sets
from app.db.engine import Connection
from app.domain.lifecycle import FINAL_JOB_STATES
from app.domain.materials import JobSource
from app.domain.methods.template import TemplateRows
from app.domain.profiles import PublishedMethod
from app.domain.stored import Job, SeedSet
from app.domain.templates import TemplateFile, named
from app.domain.tokens import Tokens
from app.errors import Problem
from app.use_cases.job_details import JobDetails
from app.use_cases.labelled_stock import stored_templates, used_rows
from app.use_cases.seed_sets import tokens_for

MOST_SOURCES = 100


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a job draws from: what to call it, how its texts are compared, how many rows it gives.

    `rows` is None where a teacher makes them. `simulated` rows came from a demo teacher.
    """

    name: str
    tokens: str
    rows: int | None = None
    simulated: bool = False


def gathered(
    connection: Connection,
    details: JobDetails,
    method: PublishedMethod,
    seed_set: SeedSet | None,
    problems: list[Problem],
) -> Gathered | None:
    """What there is to draw from; None where it cannot be told, mostly with what is wrong noted."""
    if seed_set is not None:
        return Gathered(seed_set.name, seed_set.tokens)
    if isinstance(method, TemplateRows):
        return _labelled(connection, details, method, problems)
    return _mixed(connection, details.sources, method, problems) if details.sources else None


def _labelled(
    connection: Connection, details: JobDetails, method: TemplateRows, problems: list[Problem]
) -> Gathered | None:
    if details.labelled_set_id is None:
        return None
    found = labelled_sets.get(connection, details.labelled_set_id)
    if found is None:
        problems.append(Problem("/labelled_set_id", "not_found", "there is no such labelled set"))
    templates = 1
    if details.template_set_id is not None:
        if template_sets.get(connection, details.template_set_id) is None:
            detail = "there is no such template set"
            problems.append(Problem("/template_set_id", "not_found", detail))
            return None
        file = stored_templates(connection, details.template_set_id)
        templates = _chosen(file, method, problems)
    elif method.templates:
        detail = "names templates of a set: give template_set_id"
        problems.append(Problem("/options/templates", "missing_field", detail))
    if found is None:
        return None
    each = min(templates, method.per_row or templates) * (2 if method.inversion else 1)
    rows = used_rows(method, found.row_count, templates) * each
    return Gathered(found.name, tokens_for(found.language), rows)


def _chosen(file: TemplateFile, method: TemplateRows, problems: list[Problem]) -> int:
    """How many templates a job uses."""
    chosen, unknown = named(file.templates, method.templates)
    if unknown:
        known = ", ".join(each.name for each in file.templates)
        detail = f"there is no {', '.join(unknown)}; there is {known}"
        problems.append(Problem("/options/templates", "unknown_template", detail))
    return len(chosen)


def _mixed(
    connection: Connection,
    sources: Sequence[JobSource],
    method: PublishedMethod,
    problems: list[Problem],
) -> Gathered | None:
    found = [jobs.get(connection, each.job_id) for each in sources]
    running = method.DRAWS_RUNNING
    faults = [
        *_source_problems(connection, sources, found, running=running),
        *_weight_problems(sources),
    ]
    problems += faults
    known = [each for each in found if each is not None]
    if faults:
        return None
    tokens = {pools.get(connection, each.pool_id).tokens for each in known}
    return Gathered(
        name=" + ".join(each.name for each in known)[:150],
        tokens=tokens.pop() if len(tokens) == 1 else Tokens.UNICODE,
        rows=_most([_room(connection, each) for each in sources], sources),
        simulated=any(each.simulated for each in known),
    )


def _source_problems(
    connection: Connection,
    sources: Sequence[JobSource],
    found: Sequence[Job | None],
    *,
    running: bool,
) -> list[Problem]:
    if len(sources) > MOST_SOURCES:
        return [Problem("/sources", "out_of_range", f"at most {MOST_SOURCES} jobs")]
    problems: list[Problem] = []
    for place, (source, job) in enumerate(zip(sources, found, strict=True)):
        pointer = f"/sources/{place}/job_id"
        if job is None:
            problems.append(Problem(pointer, "not_found", "there is no such job"))
        elif source.job_id in {each.job_id for each in sources[:place]}:
            problems.append(Problem(pointer, "repeated_name", "each job is named once"))
        elif job.state not in FINAL_JOB_STATES and not running:
            detail = f"the job is {job.state}; only jobs that have ended can be mixed"
            problems.append(Problem(pointer, "not_finished", detail))
        elif not job_sources.row_count(connection, job.id):
            problems.append(Problem(pointer, "no_rows", "the job has no rows"))
    return problems


def _weight_problems(sources: Sequence[JobSource]) -> list[Problem]:
    problems: list[Problem] = []
    weights = [each.weight for each in sources]
    for place, each in enumerate(sources):
        if each.weight is not None and not 0 <= each.weight < float("inf"):
            detail = "must be a number, and not negative"
            problems.append(Problem(f"/sources/{place}/weight", "out_of_range", detail))
        elif each.weight is None and any(weight is not None for weight in weights):
            detail = "give a weight to every job or to none; 0 leaves one out"
            problems.append(Problem(f"/sources/{place}/weight", "missing_field", detail))
        if each.cap is not None and each.cap < 1:
            problems.append(Problem(f"/sources/{place}/cap", "out_of_range", "must be at least 1"))
    if weights and all(weight == 0 for weight in weights):
        problems.append(Problem("/sources", "out_of_range", "some weight must be above 0"))
    return problems


def _room(connection: Connection, source: JobSource) -> int:
    rows = job_sources.row_count(connection, source.job_id)
    return rows if source.cap is None else min(rows, source.cap)


def _most(rooms: Sequence[int], sources: Sequence[JobSource]) -> int:
    """All rows, or with weights as many as keep the shares."""
    weights = [each.weight for each in sources if each.weight is not None]
    if not weights:
        return sum(rooms)
    whole = sum(weights)
    shares = zip(rooms, weights, strict=True)
    return max(1, int(min(room * whole / weight for room, weight in shares if weight)))
