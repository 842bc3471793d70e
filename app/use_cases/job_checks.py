"""What is wrong with a job as it was described: limits, what it names, what its method needs."""

from collections.abc import Iterator

from app.db.engine import Connection
from app.domain.access import Access
from app.domain.judging import BadCriteria, read_criteria
from app.domain.lifecycle import Delivery
from app.domain.materials import Material
from app.domain.method import Order
from app.domain.methods.judge import JudgeRows, Scorer
from app.domain.profiles import PublishedMethod
from app.domain.reuse import Reuse
from app.domain.stored import SeedSet, TeacherRecord
from app.domain.tokens import Tokens
from app.errors import Problem
from app.llm.teacher import Endpoint
from app.settings import Settings
from app.use_cases.job_context import read_seeds
from app.use_cases.job_details import CALLS_PER_ROW, JobDetails

_MAX_ROWS = 10_000_000
_MAX_MONEY = 10**15


def limits_problems(details: JobDetails, default_cap: int | None) -> Iterator[Problem]:
    """Numbers out of their limits, and words that are none of those known."""
    cap = details.cap_micro_usd if details.cap_micro_usd is not None else default_cap
    if details.target_rows is not None and not 1 <= details.target_rows <= _MAX_ROWS:
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


def deployed_problems(details: JobDetails, settings: Settings) -> Iterator[Problem]:
    """A job without a budget where others than its owner may submit: nothing is without end."""
    cap = (
        details.cap_micro_usd
        if details.cap_micro_usd is not None
        else (settings.default_cap_micro_usd)
    )
    if settings.access == Access.DEPLOYED and details.teacher_id is not None and cap is None:
        detail = "is required here; or let CULTIVAR_DEFAULT_CAP_MICRO_USD say what holds without"
        yield Problem("/cap_micro_usd", "budget_invalid", detail)


def needs_problems(details: JobDetails, method: type[PublishedMethod]) -> Iterator[Problem]:
    """What a method needs and was not given, and what was given that it has no use for."""
    needed = method.needs()
    given = {
        "seed_set": details.seed_set_id,
        "teacher": details.teacher_id,
        "target_rows": details.target_rows,
        "labelled_set": details.labelled_set_id,
        "template_set": details.template_set_id,
        "sources": details.sources or None,
    }
    usable = needed | {"target_rows"}
    if method.DRAWS_FROM is Material.LABELLED_ROWS:
        usable.add("template_set")
    for name, value in given.items():
        pointer = f"/{name}" if name in {"target_rows", "sources"} else f"/{name}_id"
        if value is None and name in needed:
            yield Problem(pointer, "missing_field", "is required")
        elif value is not None and name not in usable:
            detail = f"the method {details.method} has no use for it; leave it out"
            yield Problem(pointer, "conflicting_options", detail)
    if not method.CALLS:
        yield from _call_problems(details)


def _call_problems(details: JobDetails) -> Iterator[Problem]:
    detail = f"the method {details.method} makes no calls; leave it out"
    if details.delivery != Delivery.CALLS:
        yield Problem("/delivery", "conflicting_options", detail)
    if details.reuse != Reuse.NEVER:
        yield Problem("/reuse", "conflicting_options", detail)


def reference_problems(
    details: JobDetails, seed_set: SeedSet | None, teacher: TeacherRecord | None
) -> Iterator[Problem]:
    """A seed set or a teacher that does not exist, or a teacher that cannot serve."""
    if details.seed_set_id is not None and seed_set is None:
        yield Problem("/seed_set_id", "not_found", "there is no such seed set")
    if teacher is None:
        if details.teacher_id is not None:
            yield Problem("/teacher_id", "not_found", "there is no such teacher")
        return
    if teacher.endpoint == Endpoint.EMBEDDINGS:
        yield Problem("/teacher_id", "wrong_type", "this one makes embeddings; it writes no text")
        return
    prices = (teacher.input_micro_usd_per_million, teacher.output_micro_usd_per_million)
    if None in prices and details.delivery != Delivery.BATCH:
        yield Problem(
            "/teacher_id", "price_required", "give the teacher its prices, 0 if it is free"
        )


def judge_problems(
    details: JobDetails, method: PublishedMethod | None, teacher: TeacherRecord | None
) -> Iterator[Problem]:
    """A judge that does not go with its teacher, or criteria that nobody could be asked for."""
    scores = teacher is not None and teacher.endpoint == Endpoint.SCORE
    rewards = isinstance(method, JudgeRows) and method.scorer is Scorer.REWARD
    if scores and not rewards:
        detail = "this one scores rows; it serves the method judge with the option scorer=reward"
        yield Problem("/teacher_id", "wrong_type", detail)
    if scores and details.delivery == Delivery.BATCH:
        yield Problem("/delivery", "conflicting_options", "a scoring endpoint takes no batches")
    if rewards and teacher is not None and teacher.endpoint == Endpoint.COMPLETIONS:
        detail = "a reward model is asked by the endpoint chat or score"
        yield Problem("/teacher_id", "wrong_type", detail)
    if isinstance(method, JudgeRows):
        yield from _rubric_problems(method)


def _rubric_problems(method: JudgeRows) -> Iterator[Problem]:
    try:
        read_criteria(method.criteria)
    except BadCriteria as error:
        yield Problem("/options/criteria", "wrong_type", str(error))
    if method.lowest >= method.highest:
        detail = f"must be above lowest, which is {method.lowest}"
        yield Problem("/options/highest", "out_of_range", detail)


def novelty_problems(
    details: JobDetails, method: PublishedMethod | None, embedder: TeacherRecord | None
) -> Iterator[Problem]:
    """Options of the novelty rule that do not go together."""
    if details.embedder_id is not None:
        yield from _embedder_problems(embedder)
    if method is None:
        return
    if not method.CALLS:
        if method.semantic_threshold is not None or details.embedder_id is not None:
            detail = "this method makes no calls, and embeddings are calls: leave it out"
            yield Problem("/options/semantic_threshold", "conflicting_options", detail)
    elif method.semantic_threshold is not None and details.embedder_id is None:
        yield Problem(
            "/options/semantic_threshold", "missing_field", "wants an embedder: give embedder_id"
        )
    elif method.semantic_threshold is None and details.embedder_id is not None:
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


def method_problems(
    connection: Connection,
    method: PublishedMethod | None,
    seed_set: SeedSet | None,
    teacher: TeacherRecord | None,
    random_seed: int,
) -> Iterator[Problem]:
    """What the method needs of its teacher and its seeds."""
    if method is not None and method.held_out_share and seed_set is None:
        detail = "a job without seeds has none to hold out"
        yield Problem("/options/held_out_share", "out_of_range", detail)
    if method is None or seed_set is None or teacher is None:
        return
    if method.ENDPOINT is not None and teacher.endpoint != method.ENDPOINT:
        detail = f"this method needs a teacher whose endpoint is {method.ENDPOINT}"
        yield Problem("/teacher_id", "wrong_type", detail)
    if seed_set.kind != method.TAKES:
        detail = f"this set holds {seed_set.kind}; this method takes {method.TAKES}"
        yield Problem("/seed_set_id", "wrong_type", detail)
        return
    if type(method).can_use is PublishedMethod.can_use and not method.held_out_share:
        return
    shown, held_out = read_seeds(connection, seed_set.id).parted(method.held_out_share, random_seed)
    if method.held_out_share and not held_out:
        detail = "the seed set has a single instruction, so none can be held out"
        yield Problem("/options/held_out_share", "out_of_range", detail)
    if not any(map(method.can_use, shown.ordered)):
        yield Problem("/seed_set_id", "wrong_type", f"this method needs {method.SEEDS_WANTED}")
