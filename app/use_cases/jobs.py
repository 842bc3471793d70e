"""Jobs: submit, read, pause, resume, cancel, retry, change caps, delete."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from app.db import candidates as candidate_queries
from app.db import conversations as conversation_queries
from app.db import counts, exports, jobs, metrics, pools, seed_sets, slots, teachers
from app.db.counts import Tally
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.language import language_of
from app.domain.lifecycle import (
    FINAL_JOB_STATES,
    CandidateState,
    Delivery,
    JobReason,
    JobState,
    SlotState,
    call_counts,
)
from app.domain.method import Order
from app.domain.methods import METHODS
from app.domain.options import option_fields, options_as_dict
from app.domain.profiles import DEFAULT_PROFILE, PublishedMethod, configure
from app.domain.reuse import Reuse
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
from app.domain.tokens import Tokens
from app.errors import Conflict, InUse, InvalidInput, NotFound, Problem
from app.llm.teacher import Endpoint
from app.runtime import Runtime
from app.use_cases.batches import delivery_problems
from app.use_cases.job_context import read_seeds
from app.use_cases.once import Once

CALLS_PER_ROW = 10
_MAX_ROWS = 10_000_000
_MAX_MONEY = 10**15


@dataclass(frozen=True, slots=True)
class JobDetails:
    """What a caller asks for; money in micro-USD, `cap_calls` None means 10 calls a row."""

    seed_set_id: UUID
    teacher_id: UUID
    target_rows: int
    name: str = ""
    method: str = "self_instruct"
    profile: str = DEFAULT_PROFILE
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    cap_micro_usd: int | None = None
    cap_calls: int | None = None
    random_seed: int = 42
    delivery: Delivery = Delivery.CALLS
    tokens: str | None = None
    embedder_id: UUID | None = None
    reuse: str = Reuse.NEVER


def submit(runtime: Runtime, details: JobDetails, once: Once | None = None) -> Job:
    """Store a queued job and ring for a worker; raises InvalidInput with every problem at once."""
    with runtime.database.transaction() as connection:
        if once and (known_id := once.made_before(connection)):
            return _get(connection, known_id)
        job_id = _insert(connection, details, checked(connection, runtime, details))
        if once:
            once.made(connection, job_id)
        job = _get(connection, job_id)
    runtime.wake.generate(job.id)
    return job


@dataclass(frozen=True, slots=True)
class JobParts:
    """What a job as described is made of, and the caps that will hold."""

    method: PublishedMethod
    seed_set: SeedSet
    teacher: TeacherRecord
    embedder: TeacherRecord | None
    cap_calls: int
    cap_micro_usd: int | None


def checked(
    connection: Connection, runtime: Runtime, details: JobDetails, *, priceless: bool = False
) -> JobParts:
    """The parts of a job; raises InvalidInput with every problem, but with `priceless` no price."""
    seed_set = seed_sets.get(connection, details.seed_set_id)
    method, problems = _configured(in_language_of(details, seed_set))
    teacher = teachers.get(connection, details.teacher_id)
    embedder = _embedder(connection, details)
    default_cap = runtime.settings.default_cap_micro_usd
    problems += _limits_problems(details, default_cap)
    problems += _reference_problems(seed_set, teacher, details.delivery)
    problems += delivery_problems(details.delivery, teacher)
    problems += _novelty_problems(details, method, embedder)
    problems += _method_problems(connection, method, seed_set, teacher)
    if priceless:
        problems = [each for each in problems if each.code != "price_required"]
    if problems or method is None or seed_set is None or teacher is None:
        raise InvalidInput("The job cannot be run as described.", problems=problems)
    cap = default_cap if details.cap_micro_usd is None else details.cap_micro_usd
    cap_calls = details.cap_calls or CALLS_PER_ROW * details.target_rows
    return JobParts(method, seed_set, teacher, embedder, cap_calls, cap)


def in_language_of(details: JobDetails, seed_set: SeedSet | None) -> JobDetails:
    """Details that say in which language the method speaks, where it has a choice."""
    known = METHODS.get(details.method)
    speaks = known is not None and any(each.name == "language" for each in option_fields(known))
    if not speaks or seed_set is None or "language" in details.options:
        return details
    spoken = language_of(seed_set.language)
    return replace(details, options={**details.options, "language": str(spoken)})


def _method_problems(
    connection: Connection,
    method: PublishedMethod | None,
    seed_set: SeedSet | None,
    teacher: TeacherRecord | None,
) -> Iterator[Problem]:
    """What the method needs of its teacher and its seeds."""
    if method is None or seed_set is None or teacher is None:
        return
    if method.ENDPOINT is not None and teacher.endpoint != method.ENDPOINT:
        detail = f"this method needs a teacher whose endpoint is {method.ENDPOINT}"
        yield Problem("/teacher_id", "wrong_type", detail)
    if type(method).can_use is PublishedMethod.can_use:
        return
    if not any(map(method.can_use, read_seeds(connection, seed_set.id).ordered)):
        yield Problem("/seed_set_id", "wrong_type", f"this method needs {method.SEEDS_WANTED}")


def _embedder(connection: Connection, details: JobDetails) -> TeacherRecord | None:
    if details.embedder_id is None:
        return None
    return teachers.get(connection, details.embedder_id)


def _configured(details: JobDetails) -> tuple[PublishedMethod | None, list[Problem]]:
    if details.method not in METHODS:
        known = ", ".join(METHODS)
        return None, [Problem("/method", "unknown_method", f"unknown; known: {known}")]
    method, problems = configure(METHODS[details.method], details.profile, details.options)
    return method, list(problems)


def _limits_problems(details: JobDetails, default_cap: int | None) -> Iterator[Problem]:
    cap = details.cap_micro_usd if details.cap_micro_usd is not None else default_cap
    if not 1 <= details.target_rows <= _MAX_ROWS:
        yield Problem("/target_rows", "out_of_range", f"must be from 1 to {_MAX_ROWS:,}")
    if cap is not None and not 0 <= cap <= _MAX_MONEY:
        yield Problem("/cap_micro_usd", "budget_invalid", f"must be from 0 to {_MAX_MONEY:,}")
    if details.cap_calls is not None and not 1 <= details.cap_calls <= CALLS_PER_ROW * _MAX_ROWS:
        yield Problem("/cap_calls", "out_of_range", "must be from 1 to 100,000,000")
    if not 0 <= details.random_seed < 1 << 63:
        yield Problem("/random_seed", "out_of_range", "must be from 0 to 2^63 - 1")
    if details.tokens is not None and details.tokens not in set(Tokens):
        yield Problem("/tokens", "wrong_type", "must be rouge or unicode")
    if details.reuse not in set(Reuse):
        yield Problem("/reuse", "wrong_type", "must be prefer or never")
    if len(details.name) > 200 or not details.name.isprintable():
        yield Problem("/name", "too_long", "at most 200 printable characters")


def _reference_problems(
    seed_set: SeedSet | None, teacher: TeacherRecord | None, delivery: str
) -> Iterator[Problem]:
    if seed_set is None:
        yield Problem("/seed_set_id", "not_found", "there is no such seed set")
    if teacher is None:
        yield Problem("/teacher_id", "not_found", "there is no such teacher")
        return
    if teacher.endpoint == Endpoint.EMBEDDINGS:
        yield Problem("/teacher_id", "wrong_type", "this one makes embeddings; it writes no text")
        return
    prices = (teacher.input_micro_usd_per_million, teacher.output_micro_usd_per_million)
    if None in prices and delivery != Delivery.BATCH:
        yield Problem(
            "/teacher_id", "price_required", "give the teacher its prices, 0 if it is free"
        )


def _novelty_problems(
    details: JobDetails, method: PublishedMethod | None, embedder: TeacherRecord | None
) -> Iterator[Problem]:
    if details.embedder_id is not None:
        yield from _embedder_problems(embedder)
    if method is None:
        return
    if method.semantic_threshold is not None and details.embedder_id is None:
        yield Problem(
            "/options/semantic_threshold", "missing_field", "wants an embedder: give embedder_id"
        )
    if method.semantic_threshold is None and details.embedder_id is not None:
        yield Problem("/embedder_id", "missing_field", "give the option semantic_threshold as well")
    if method.compare_inputs and method.order is Order.STRICT:
        yield Problem(
            "/options/compare_inputs",
            "conflicting_options",
            "not with order=strict: which of two rows is kept depends on which came first",
        )


def _embedder_problems(embedder: TeacherRecord | None) -> Iterator[Problem]:
    if embedder is None:
        yield Problem("/embedder_id", "not_found", "there is no such teacher")
    elif embedder.endpoint != Endpoint.EMBEDDINGS:
        yield Problem(
            "/embedder_id", "wrong_type", "must be a teacher whose endpoint is embeddings"
        )
    elif embedder.input_micro_usd_per_million is None:
        yield Problem(
            "/embedder_id", "price_required", "give the embedder its input price, 0 if it is free"
        )


def _insert(connection: Connection, details: JobDetails, parts: JobParts) -> UUID:
    job_id = new_id()
    method, seed_set, teacher = parts.method, parts.seed_set, parts.teacher
    pool_id, row_pool_id = _insert_pools(
        connection, details, method, details.tokens or seed_set.tokens
    )
    values = {
        "id": job_id,
        "pool_id": pool_id,
        "row_pool_id": row_pool_id,
        "embedder_id": details.embedder_id,
        "name": details.name or f"{details.method} from {seed_set.name}",
        "seed_set_id": seed_set.id,
        "teacher_id": teacher.id,
        "method": details.method,
        "profile": details.profile,
        "options": options_as_dict(method),
        "random_seed": details.random_seed,
        "delivery": details.delivery,
        "target_rows": details.target_rows,
        "cap_calls": parts.cap_calls,
        "cap_micro_usd": parts.cap_micro_usd,
        "reuse": details.reuse,
        "simulated": teacher.simulated,
        "state": JobState.QUEUED,
    }
    jobs.insert(connection, values)
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
        return slots.page(connection, job_id, states=states, cursor=cursor, limit=limit)


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
        problems = list(_limits_problems(wanted, None))
        if problems:
            raise InvalidInput("The job cannot be changed so.", problems=problems)
        if given:
            jobs.change(connection, job_id, given)
        job = _get(connection, job_id)
    runtime.wake.generate(job.id)
    return job


def delete(runtime: Runtime, job_id: UUID) -> None:
    """Remove a finished job with its calls, rows and export files; raises InUse while it runs."""
    with runtime.database.transaction() as connection:
        job = _locked(connection, job_id)
        if job.state not in FINAL_JOB_STATES:
            raise InUse(f"The job is {job.state}. Cancel it first.")
        export_ids = exports.of_job(connection, job_id)
        metrics.retire(connection, job_id)
        jobs.delete(connection, job_id)
        pools.delete(connection, job.pool_id)
        if job.row_pool_id is not None:
            pools.delete(connection, job.row_pool_id)
    for export_id in export_ids:
        for path in runtime.exports_directory.glob(f"{export_id}*"):
            path.unlink(missing_ok=True)
