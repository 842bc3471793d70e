"""Jobs: submit, read, pause, resume, cancel, retry, change caps, delete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.db import candidates as candidate_queries
from app.db import conversations as conversation_queries
from app.db import (
    counts,
    evaluation_sets,
    exports,
    job_sources,
    jobs,
    metrics,
    paid,
    pools,
    seed_sets,
    slots,
    teachers,
    training_runs,
)
from app.db.counts import Tally
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.lifecycle import (
    FINAL_JOB_STATES,
    CandidateState,
    JobReason,
    JobState,
    SlotState,
    call_counts,
)
from app.domain.materials import JobSource
from app.domain.methods import METHODS
from app.domain.options import options_as_dict
from app.domain.profiles import PublishedMethod
from app.domain.stored import (
    CallRecord,
    CandidateRecord,
    Job,
    JobEvent,
    JobProgress,
    Page,
    PoolRecord,
    SeedSet,
    TeacherRecord,
)
from app.errors import Conflict, InUse, InvalidInput, NotFound
from app.runtime import Runtime
from app.use_cases import audit
from app.use_cases.batches import delivery_problems
from app.use_cases.export_files import remove_files
from app.use_cases.gathering import Gathered, gathered
from app.use_cases.job_checks import (
    deployed_problems,
    judge_problems,
    limits_problems,
    method_problems,
    needs_problems,
    novelty_problems,
    reference_problems,
)
from app.use_cases.job_details import CALLS_PER_ROW, JobDetails
from app.use_cases.job_method import configured
from app.use_cases.job_prompts import prompt_problems, with_prompts
from app.use_cases.once import Once
from app.use_cases.row_rules import RowRules, overlaps_of, row_rules


def submit(runtime: Runtime, details: JobDetails, once: Once | None = None) -> Job:
    """Store a queued job and ring for a worker; raises InvalidInput with every problem at once."""
    with runtime.database.transaction() as connection:
        if once and (known_id := once.made_before(connection)):
            return _get(connection, known_id)
        job_id = _insert(connection, details, checked(connection, runtime, details))
        if once:
            once.made(connection, job_id)
        job = _get(connection, job_id)
        caps = {"cap_micro_usd": job.cap_micro_usd, "cap_calls": job.cap_calls}
        audit.note(runtime, connection, audit.JOB_SUBMIT, job_id, **caps)
    runtime.wake.generate(job.id)
    return job


@dataclass(frozen=True, slots=True)
class JobParts:
    """What a job as described is made of, and the target and caps that will hold."""

    method: PublishedMethod
    gathered: Gathered
    seed_set: SeedSet | None
    teacher: TeacherRecord | None
    embedder: TeacherRecord | None
    rules: RowRules
    target_rows: int
    cap_calls: int
    cap_micro_usd: int | None


def checked(
    connection: Connection, runtime: Runtime, details: JobDetails, *, priceless: bool = False
) -> JobParts:
    """The parts of a job; raises InvalidInput with every problem, but with `priceless` no price."""
    seed_set = (details.seed_set_id and seed_sets.get(connection, details.seed_set_id)) or None
    method, problems = configured(details.method, details.profile, details.options, seed_set)
    teacher = _teacher(connection, details.teacher_id)
    embedder = _teacher(connection, details.embedder_id)
    default_cap = runtime.settings.default_cap_micro_usd
    problems += limits_problems(details, default_cap)
    problems += reference_problems(details, seed_set, teacher)
    problems += delivery_problems(details.delivery, teacher)
    problems += novelty_problems(details, method, embedder)
    problems += judge_problems(details, method, teacher)
    problems += prompt_problems(details.method, method, details.prompts)
    problems += method_problems(connection, method, seed_set, teacher, details.random_seed)
    if details.method in METHODS:
        problems += needs_problems(details, METHODS[details.method])
    rules, wrong = row_rules(connection, details)
    problems += wrong
    found = method and gathered(connection, details, method, seed_set, problems)
    if not priceless:
        problems += deployed_problems(details, runtime.settings)
    else:
        problems = [each for each in problems if each.code != "price_required"]
    if problems or method is None or found is None:
        raise InvalidInput("The job cannot be run as described.", problems=problems)
    cap = default_cap if details.cap_micro_usd is None else details.cap_micro_usd
    target_rows = details.target_rows or found.rows or 1
    cap_calls = details.cap_calls or (CALLS_PER_ROW * target_rows if method.CALLS else 0)
    method = with_prompts(method, details.prompts)
    return JobParts(method, found, seed_set, teacher, embedder, rules, target_rows, cap_calls, cap)


def _teacher(connection: Connection, teacher_id: UUID | None) -> TeacherRecord | None:
    return None if teacher_id is None else teachers.get(connection, teacher_id)


def _insert(connection: Connection, details: JobDetails, parts: JobParts) -> UUID:
    job_id = new_id()
    method, found, teacher = parts.method, parts.gathered, parts.teacher
    tokens = details.tokens or found.tokens
    pool_id, row_pool_id = _insert_pools(connection, details, method, tokens)
    values = {
        "id": job_id,
        "pool_id": pool_id,
        "row_pool_id": row_pool_id,
        "embedder_id": details.embedder_id,
        "name": details.name or f"{details.method} from {found.name}",
        "seed_set_id": details.seed_set_id,
        "labelled_set_id": details.labelled_set_id,
        "template_set_id": details.template_set_id,
        "teacher_id": details.teacher_id,
        "method": details.method,
        "profile": details.profile,
        "options": options_as_dict(method),
        "prompts": dict(details.prompts),
        "filters": parts.rules.filters,
        "decontamination": parts.rules.decontamination,
        "random_seed": details.random_seed,
        "delivery": details.delivery,
        "target_rows": parts.target_rows,
        "cap_calls": parts.cap_calls,
        "cap_micro_usd": parts.cap_micro_usd,
        "reuse": details.reuse,
        "simulated": found.simulated or (teacher is not None and teacher.simulated),
        "state": JobState.QUEUED,
    }
    jobs.insert(connection, values)
    evaluation_sets.use(connection, job_id, parts.rules.evaluation_set_ids)
    job_sources.insert(connection, job_id, details.sources)
    return job_id


def _insert_pools(
    connection: Connection, details: JobDetails, method: PublishedMethod, tokens: str
) -> tuple[UUID, UUID | None]:
    """The pool of instructions, and that of rows with their inputs if they are compared too."""
    pool = PoolRecord(
        id=new_id(),
        tokens=tokens,
        threshold=method.threshold,
        exact_duplicates=method.exact_duplicates,
        semantic_threshold=method.semantic_threshold,
        embedder_id=details.embedder_id,
    )
    pools.insert(connection, pool)
    if not method.compare_inputs:
        return pool.id, None
    row_pool = PoolRecord(
        id=new_id(), tokens=tokens, threshold=method.threshold, exact_duplicates=False
    )
    pools.insert(connection, row_pool)
    return pool.id, row_pool.id


def _get(connection: Connection, job_id: UUID) -> Job:
    if (found := jobs.get(connection, job_id)) is None:
        raise NotFound(f"There is no job {job_id}.")
    return found


def get(runtime: Runtime, job_id: UUID) -> Job:
    """One job; raises NotFound."""
    with runtime.database.transaction() as connection:
        return _get(connection, job_id)


def progress(runtime: Runtime, job_id: UUID) -> JobProgress:
    """One job with its counts; raises NotFound."""
    with runtime.database.transaction() as connection:
        job = _get(connection, job_id)
        return progress_of(job, counts.of_job(connection, job_id))


def progress_of(job: Job, found: Mapping[str, Mapping[str, int]]) -> JobProgress:
    """A job with its counters, sorted into families."""
    return JobProgress(
        job=job,
        calls=call_counts(found.get("slot", {})),
        candidates=found.get("candidate", {}),
        rows=found.get("row", {}),
        drops=found.get("drop", {}),
        errors=found.get("error", {}),
        replies_cut=found.get("reply", {}).get("cut", 0),
        flags=found.get("flag", {}),
        overlaps=overlaps_of(found.get(counts.OVERLAP, {})),
    )


def page(
    runtime: Runtime, *, state: JobState | None = None, cursor: str | None = None, limit: int = 50
) -> Page[JobProgress]:
    """Jobs with their counts, newest first."""
    with runtime.database.transaction() as connection:
        found = jobs.page(connection, state=state, cursor=cursor, limit=limit)
        by_job = counts.of_jobs(connection, [job.id for job in found.items])
    return Page([progress_of(job, by_job[job.id]) for job in found.items], found.next)


def events(runtime: Runtime, job_id: UUID) -> Sequence[JobEvent]:
    """The moves of a job, oldest first; raises NotFound."""
    with runtime.database.transaction() as connection:
        _get(connection, job_id)
        return jobs.events(connection, job_id)


def sources(runtime: Runtime, job_id: UUID) -> Sequence[JobSource]:
    """The jobs that a job mixes, as they were named; raises NotFound."""
    with runtime.database.transaction() as connection:
        _get(connection, job_id)
        return job_sources.of_job(connection, job_id)


def page_calls(
    runtime: Runtime,
    job_id: UUID,
    *,
    states: Sequence[SlotState] = (),
    cursor: str | None = None,
    limit: int = 50,
) -> Page[CallRecord]:
    """The call slots of a job, in slot order; raises NotFound."""
    with runtime.database.transaction() as connection:
        _get(connection, job_id)
        return paid.page(connection, job_id, states=states, cursor=cursor, limit=limit)


def page_candidates(
    runtime: Runtime,
    job_id: UUID,
    *,
    state: CandidateState | None = None,
    reason: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[CandidateRecord]:
    """Candidates of a job, newest first, with reasons and nearest rows; raises NotFound."""
    with runtime.database.transaction() as connection:
        _get(connection, job_id)
        return candidate_queries.page(
            connection, job_id, state=state, reason=reason, cursor=cursor, limit=limit
        )


def pause(runtime: Runtime, job_id: UUID) -> Job:
    """Claim nothing more; calls under way are kept. Pausing a paused job changes nothing,
    but that one that waits for its teacher is not resumed when that serves again."""
    with runtime.database.transaction() as connection:
        before = _locked(connection, job_id)
        if before.state is JobState.PAUSED and before.reason == JobReason.TEACHER_UNHEALTHY:
            jobs.hold(connection, job_id, JobReason.REQUESTED)
    return _act(runtime, job_id, JobState.PAUSED, already={JobState.PAUSED})


def resume(runtime: Runtime, job_id: UUID) -> Job:
    """Go on with exactly what is missing."""
    job = _act(
        runtime,
        job_id,
        JobState.RUNNING,
        already={JobState.RUNNING, JobState.QUEUED},
        only_from={JobState.PAUSED},
    )
    _ring(runtime, job)
    return job


def cancel(runtime: Runtime, job_id: UUID) -> Job:
    """End a job early; calls under way are kept. Cancelling again changes nothing."""
    already = {JobState.CANCELLING, JobState.CANCELLED}
    job = _act(runtime, job_id, JobState.CANCELLING, already=already)
    _ring(runtime, job)
    return job


def _act(
    runtime: Runtime,
    job_id: UUID,
    target: JobState,
    *,
    already: set[JobState],
    only_from: set[JobState] | None = None,
) -> Job:
    with runtime.database.transaction() as connection:
        before = _locked(connection, job_id)
        if before.state in already:
            return before
        running = target is JobState.RUNNING
        reason = jobs.errand(connection, job_id) if running else JobReason.REQUESTED
        if not jobs.move(connection, job_id, target, reason=reason, only_from=only_from):
            raise Conflict(f"The job is {before.state}; that cannot become {target}.")
        return _get(connection, job_id)


def _locked(connection: Connection, job_id: UUID) -> Job:
    found = jobs.lock(connection, job_id)
    if found is None:
        raise NotFound(f"There is no job {job_id}.")
    return found


def _ring(runtime: Runtime, job: Job) -> None:
    runtime.wake.generate(job.id)
    runtime.wake.admit(job.pool_id)


def retry(runtime: Runtime, job_id: UUID, *, only_failed: bool) -> Job:
    """Send failed calls again; without `only_failed` an ended job also goes on to its target."""
    with runtime.database.transaction() as connection:
        before = _locked(connection, job_id)
        if before.state in {JobState.CANCELLED, JobState.CANCELLING}:
            raise Conflict(f"The job is {before.state}; that cannot be retried.")
        again = slots.retry_failed(connection, job_id)
        conversation_queries.reopen(connection, {conversation for conversation, _ in again})
        counts.add(connection, job_id, _retried(again))
        if not again and only_failed:
            raise Conflict("No call of this job has failed.", code="nothing_to_retry")
        if before.state is not JobState.RUNNING and before.state is not JobState.QUEUED:
            ended = before.state is JobState.SUCCEEDED
            reason = JobReason.RETRY_FAILED if only_failed and ended else None
            jobs.move(connection, job_id, JobState.RUNNING, reason=reason)
        job = _get(connection, job_id)
    _ring(runtime, job)
    return job


def _retried(again: Sequence[tuple[UUID, str]]) -> Tally:
    tally = Tally()
    for _, state in again:
        tally["slot", state] -= 1
        tally["slot", SlotState.READY] += 1
    return tally


@dataclass(frozen=True, slots=True)
class JobChanges:
    """What may change while a job lives; None leaves as it is."""

    name: str | None = None
    target_rows: int | None = None
    cap_calls: int | None = None
    cap_micro_usd: int | None = None


def change(runtime: Runtime, job_id: UUID, changes: JobChanges) -> Job:
    """Raise or lower caps and target; a cap below what is spent stops the job at once."""
    given = {
        name: value
        for name in JobChanges.__slots__
        if (value := getattr(changes, name)) is not None
    }
    with runtime.database.transaction() as connection:
        before = _locked(connection, job_id)
        wanted = replace(
            JobDetails(before.seed_set_id, before.teacher_id, before.target_rows), **given
        )
        problems = list(limits_problems(wanted, None))
        if problems:
            raise InvalidInput("The job cannot be changed so.", problems=problems)
        if given:
            jobs.change(connection, job_id, given)
        job = _get(connection, job_id)
        caps = {name: value for name, value in given.items() if name != "name"}
        audit.note(runtime, connection, "job.change", job_id, **caps)
    runtime.wake.generate(job.id)
    return job


def delete(runtime: Runtime, job_id: UUID) -> None:
    """Remove a finished job with its calls, rows and export files; raises InUse while it runs."""
    with runtime.database.transaction() as connection:
        job = _locked(connection, job_id)
        if job.state not in FINAL_JOB_STATES:
            raise InUse(f"The job is {job.state}. Cancel it first.")
        users = job_sources.users(connection, job_id)
        if users:
            names = ", ".join(map(str, users))
            raise InUse(f"Jobs mix rows of this one: {names}. Delete them first.")
        runs = training_runs.of_job(connection, job_id)
        if runs:
            names = ", ".join(map(str, runs))
            raise InUse(f"Training runs hold rows of this job: {names}. Delete them first.")
        export_ids = exports.of_job(connection, job_id)
        metrics.retire(connection, job_id)
        jobs.delete(connection, job_id)
        pools.delete(connection, job.pool_id)
        if job.row_pool_id is not None:
            pools.delete(connection, job.row_pool_id)
        remove_files(runtime, export_ids)
        audit.note(runtime, connection, "job.delete", job_id)
