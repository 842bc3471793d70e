"""Comparisons: let a teacher judge what training runs left, follow it, stop it, go on with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.dashboard.forms import Form, Reading, SentForm, by_field
from app.dashboard.live import BoardOfApp, Look, first_sight, polled
from app.dashboard.rendering import page, rendered
from app.domain.comparison import ComparisonRecord
from app.domain.language import Language
from app.domain.lifecycle import OPEN_TRAINING_STATES, TrainingState
from app.domain.stored import TrainingRecord
from app.errors import CultivarError, InvalidInput, Problem
from app.runtime import Runtime
from app.use_cases import comparisons, teachers, training

PAGE_SIZE = 25
_OFFERED = 100
_LIST = "/dashboard/comparisons"

router = page_router()


@dataclass(frozen=True, slots=True)
class ComparisonLook(Look):
    """One comparison."""

    comparison_id: UUID

    def body(self, runtime: Runtime) -> bytes:
        """The comparison as it stands."""
        found = comparisons.get(runtime, self.comparison_id)
        poll_s = 2 if found.state in OPEN_TRAINING_STATES else 15
        result: Mapping[str, object] = (found.result or {}).get("comparison") or {}
        shown = {"comparison": found, "result": result, "poll_s": poll_s}
        return rendered("comparison_fragment.html", **shown).encode()


@router.get(_LIST)
def comparison_list(runtime: RuntimeOfApp, run: str = "", cursor: str | None = None) -> Response:
    """Comparisons, newest first, and the form of another."""
    return _list(runtime, Form({"run_id": [run]}), cursor=cursor)


@router.post(_LIST, dependencies=from_our_pages)
def request_comparison(runtime: RuntimeOfApp, form: SentForm) -> Response:
    """Ask for a comparison."""
    reading = Reading(form)
    wish = comparisons.ComparisonWish(
        run_id=reading.required_id("run_id"),
        against_run_id=reading.optional_id("against_run_id"),
        teacher_id=reading.required_id("teacher_id"),
        language=reading.choice("language", tuple(Language), Language.ENGLISH),
        cap_calls=reading.integer("cap_calls"),
        cap_micro_usd=reading.micro_usd("cap_micro_usd"),
    )
    problems: Sequence[Problem] = reading.problems
    try:
        if not problems:
            made = comparisons.request(runtime, wish)
            return RedirectResponse(f"{_LIST}/{made.id}", status_code=303)
    except InvalidInput as error:
        problems = error.problems or [Problem("/teacher_id", error.code, error.detail)]
    except CultivarError as error:
        problems = [Problem("/run_id", error.code, error.detail)]
    return _list(runtime, form, problems)


def _list(
    runtime: Runtime, form: Form, problems: Sequence[Problem] = (), *, cursor: str | None = None
) -> Response:
    found = comparisons.page(runtime, cursor=cursor, limit=PAGE_SIZE)
    return page(
        "comparisons.html",
        422 if problems else 200,
        comparisons=found.items,
        next=found.next,
        cursor=cursor,
        runs=_answered(runtime),
        teachers=teachers.page(runtime, limit=_OFFERED).items,
        languages=tuple(Language),
        form=form,
        problems=problems,
        wrong=by_field(problems),
    )


def _answered(runtime: Runtime) -> Sequence[TrainingRecord]:
    """The newest runs that left a model and may have answers."""
    return [
        each
        for each in training.page(runtime, limit=_OFFERED).items
        if each.state is TrainingState.SUCCEEDED and not each.dry_run and each.worth is None
    ]


def _stored(runtime: RuntimeOfApp, comparison_id: UUID) -> ComparisonRecord:
    return comparisons.get(runtime, comparison_id)


@router.get(_LIST + "/{comparison_id}")
async def one_comparison(
    board: BoardOfApp, comparison: Annotated[ComparisonRecord, Depends(_stored)]
) -> Response:
    """One comparison."""
    seen = await first_sight(board, ComparisonLook(comparison.id))
    return page("comparison.html", **seen, comparison=comparison)


@router.get(_LIST + "/{comparison_id}/fragment")
async def one_comparison_fragment(
    request: Request, board: BoardOfApp, comparison_id: UUID
) -> Response:
    """The part of it that changes."""
    return await polled(request, board, ComparisonLook(comparison_id))


@router.post(_LIST + "/{comparison_id}/stop", dependencies=from_our_pages)
def stop_comparison(runtime: RuntimeOfApp, comparison_id: UUID) -> Response:
    """Send nothing more."""
    comparisons.stop(runtime, comparison_id)
    return RedirectResponse(f"{_LIST}/{comparison_id}", status_code=303)


@router.post(_LIST + "/{comparison_id}/resume", dependencies=from_our_pages)
def resume_comparison(runtime: RuntimeOfApp, comparison_id: UUID) -> Response:
    """Go on with one that was stopped or failed."""
    comparisons.resume(runtime, comparison_id)
    return RedirectResponse(f"{_LIST}/{comparison_id}", status_code=303)


@router.post(_LIST + "/{comparison_id}/delete", dependencies=from_our_pages)
def delete_comparison(runtime: RuntimeOfApp, comparison_id: UUID) -> Response:
    """Remove one that has ended."""
    comparisons.delete(runtime, comparison_id)
    return RedirectResponse(_LIST, status_code=303)
