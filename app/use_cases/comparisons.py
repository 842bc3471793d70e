"""Comparisons of the service: a teacher judges a tuned model's answers against others."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from app.db import comparisons
from app.db.engine import Connection
from app.db.ids import new_id
from app.domain.comparison import ComparisonRecord
from app.domain.language import Language
from app.domain.lifecycle import TrainingState
from app.domain.preferences import Pair
from app.domain.stored import Page
from app.errors import Conflict, InvalidInput, NotFound, Problem
from app.llm.pricing import estimate_micro_usd
from app.runtime import Runtime
from app.use_cases import audit, training
from app.use_cases.comparing import questions, registered_judge
from app.use_cases.comparing_files import read_pairs
from app.use_cases.once import Once

BEFORE, AFTER = "predictions-before.jsonl", "predictions-after.jsonl"
_CANNOT = "The comparison cannot be made like this."


@dataclass(frozen=True, kw_only=True)
class ComparisonWish:
    """Whose answers are judged by whom, and what may be spent on it.

    Those of a run's tuned model, against its base, or against the tuned model of another run.
    """

    run_id: UUID
    teacher_id: UUID
    against_run_id: UUID | None = None
    language: str = Language.ENGLISH
    cap_calls: int | None = None
    cap_micro_usd: int | None = None


def request(runtime: Runtime, wish: ComparisonWish, once: Once | None = None) -> ComparisonRecord:
    """Queue a comparison; raises NotFound, Conflict while another of the run is open, InvalidInput.

    What was judged in an earlier comparison of the run is not asked again.
    """
    _check_values(wish)
    judge = registered_judge(runtime, wish.teacher_id)
    pairs = _pairs(runtime, wish)
    asked = questions(pairs, judge, Language(wish.language))
    for each in asked if wish.cap_micro_usd is not None else ():
        estimate_micro_usd(judge, each.prompt)  # without a price no cap can be kept
    comparison_id = new_id()
    with runtime.database.transaction() as connection:
        if once and (known_id := once.made_before(connection)):
            return _get(connection, known_id)
        _refuse_second(connection, wish.run_id)
        values = {
            **asdict(wish),
            "id": comparison_id,
            "judge": judge.model,
            "pairs": [_storable(each) for each in pairs],
            "state": TrainingState.QUEUED,
            "total": len(asked),
        }
        comparisons.insert(connection, values)
        if once:
            once.made(connection, comparison_id)
        record = _get(connection, comparison_id)
        audit.note(runtime, connection, "comparison.request", comparison_id, run=str(wish.run_id))
    runtime.wake.compare(comparison_id)
    return record


def _check_values(wish: ComparisonWish) -> None:
    problems = [
        Problem(f"/{name}", "out_of_range", "must be at least 1")
        for name, value in (("cap_calls", wish.cap_calls), ("cap_micro_usd", wish.cap_micro_usd))
        if value is not None and value < 1
    ]
    if wish.language not in tuple(Language):
        told = f"must be one of {', '.join(Language)}"
        problems.append(Problem("/language", "wrong_type", told))
    if wish.against_run_id == wish.run_id:
        told = "must be another run; without it the base of the same one is meant"
        problems.append(Problem("/against_run_id", "conflicting", told))
    if problems:
        raise InvalidInput(_CANNOT, problems=problems)


def _pairs(runtime: Runtime, wish: ComparisonWish) -> Sequence[Pair]:
    second = _answers(runtime, wish.run_id, AFTER, "/run_id")
    if wish.against_run_id is None:
        first = _answers(runtime, wish.run_id, BEFORE, "/run_id")
    else:
        first = _answers(runtime, wish.against_run_id, AFTER, "/against_run_id")
    try:
        return read_pairs(first, second)
    except InvalidInput as error:
        told = "answered none of the prompts that the other run answered"
        problem = Problem("/against_run_id", "nothing_in_common", told)
        raise InvalidInput(_CANNOT, problems=[problem]) from error


def _answers(runtime: Runtime, run_id: UUID, name: str, pointer: str) -> Path:
    found = training.result_files(runtime, run_id).get(name)
    if found is None:
        told = "left no answers; train with the setting answers at least 1 and held-out rows"
        raise InvalidInput(_CANNOT, problems=[Problem(pointer, "no_answers", told)])
    return found


def _storable(pair: Pair) -> dict[str, str]:
    """A pair as Postgres takes it, which knows neither NUL nor half characters."""
    return {name: storable_text(value) for name, value in asdict(pair).items()}


def storable_text(text: str) -> str:
    """A text as Postgres takes it."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _refuse_second(connection: Connection, run_id: UUID) -> None:
    """Of two at once both would pay for the same judgements."""
    comparisons.hold_run(connection, run_id)
    other = comparisons.open_of(connection, run_id)
    if other is not None:
        raise Conflict(f"The comparison {other} of this run is not over; stop it or wait.")


def _get(connection: Connection, comparison_id: UUID) -> ComparisonRecord:
    found = comparisons.get(connection, comparison_id)
    if found is None:
        raise NotFound(f"There is no comparison {comparison_id}.")
    return found


def get(runtime: Runtime, comparison_id: UUID) -> ComparisonRecord:
    """One comparison; raises NotFound."""
    with runtime.database.transaction() as connection:
        return _get(connection, comparison_id)


def page(
    runtime: Runtime, run_id: UUID | None = None, *, cursor: str | None = None, limit: int = 50
) -> Page[ComparisonRecord]:
    """Comparisons, or those of one run, newest first."""
    with runtime.database.transaction() as connection:
        return comparisons.page(connection, run_id, cursor=cursor, limit=limit)


def stop(runtime: Runtime, comparison_id: UUID) -> ComparisonRecord:
    """Send nothing more; what is under way is kept. Raises NotFound, or Conflict when it ended."""
    queued, running, stopping = TrainingState.QUEUED, TrainingState.RUNNING, TrainingState.STOPPING
    with runtime.database.transaction() as connection:
        record = _get(connection, comparison_id)
        done = (
            comparisons.move(connection, comparison_id, queued, TrainingState.STOPPED)
            or comparisons.move(connection, comparison_id, running, stopping)
            or record.state is stopping
        )
        if not done:
            raise Conflict(f"The comparison has {record.state}; there is nothing to stop.")
        audit.note(runtime, connection, "comparison.stop", comparison_id)
        return _get(connection, comparison_id)


def resume(runtime: Runtime, comparison_id: UUID) -> ComparisonRecord:
    """Go on with one that was stopped or failed; what is known is not asked again. Conflict."""
    fresh: dict[str, object] = {"error": None, "error_code": None, "finished_at": None}
    starts = (TrainingState.STOPPED, TrainingState.FAILED)
    with runtime.database.transaction() as connection:
        record = _get(connection, comparison_id)
        if record.state not in starts:
            raise Conflict(f"It is {record.state}; only a stopped or failed one goes on.")
        _refuse_second(connection, record.run_id)
        comparisons.move(connection, comparison_id, record.state, TrainingState.QUEUED, **fresh)
        record = _get(connection, comparison_id)
        audit.note(runtime, connection, "comparison.resume", comparison_id)
    runtime.wake.compare(comparison_id)
    return record


def delete(runtime: Runtime, comparison_id: UUID) -> None:
    """Remove one with its judgements; raises NotFound, Conflict while it runs."""
    with runtime.database.transaction() as connection:
        record = _get(connection, comparison_id)
        if not comparisons.delete(connection, comparison_id):
            raise Conflict(f"The comparison is {record.state}; stop it first.")
        audit.note(runtime, connection, "comparison.delete", comparison_id)
