"""Access: who you are here, the keys that let others in, and the audit log."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.dashboard.forms import Form, Reading, SentForm, all_problems, by_field
from app.dashboard.rendering import page
from app.domain.access import Scope, allows
from app.errors import Conflict, InvalidInput, Problem
from app.runtime import Runtime
from app.use_cases import api_keys, audit
from app.use_cases.api_keys import KeyDetails, MadeKey

PAGE_SIZE = 50

router = page_router()


@router.get("/dashboard/access")
def overview(runtime: RuntimeOfApp, cursor: str | None = None) -> Response:
    """Who you are, and for administrators every key."""
    return _shown(runtime, Form(), cursor=cursor)


@router.post("/dashboard/access/keys", dependencies=from_our_pages)
def create(runtime: RuntimeOfApp, form: SentForm) -> Response:
    """Make a key; this answer is the only place where it stands."""
    details, unread = _details(form)
    try:
        if not unread:
            return _shown(runtime, Form(), made=api_keys.create(runtime, details))
        problems = unread
    except InvalidInput as error:
        problems = all_problems(unread, error.problems)
    return _shown(runtime, form, problems)


@router.post("/dashboard/access/keys/{key_id}/rotate", dependencies=from_our_pages)
def rotate(runtime: RuntimeOfApp, key_id: UUID) -> Response:
    """A new key in place of one that goes on for a day."""
    try:
        return _shown(runtime, Form(), made=api_keys.rotate(runtime, key_id))
    except Conflict as error:
        return _shown(runtime, Form(), [Problem("", error.code, error.detail)])


@router.post("/dashboard/access/keys/{key_id}/revoke", dependencies=from_our_pages)
def revoke(runtime: RuntimeOfApp, key_id: UUID) -> Response:
    """End a key."""
    api_keys.revoke(runtime, key_id)
    return RedirectResponse("/dashboard/access", status_code=303)


@router.get("/dashboard/access/audit")
def audit_log(runtime: RuntimeOfApp, cursor: str | None = None, check: bool = False) -> Response:
    """Who did what, newest first; with `check` also whether the chain is whole."""
    found = audit.page(runtime, cursor=cursor, limit=PAGE_SIZE)
    verdict = audit.verify(runtime) if check else None
    return page("audit.html", entries=found.items, next=found.next, cursor=cursor, verdict=verdict)


def _details(form: Form) -> tuple[KeyDetails, Sequence[Problem]]:
    reading = Reading(form)
    details = KeyDetails(
        name=form.text("name"),
        scopes=[each for each in form.texts("scopes") if each],
        expires_in_days=reading.integer("expires_in_days"),
        requests_per_minute=reading.integer("requests_per_minute"),
        jobs_per_day=reading.integer("jobs_per_day"),
    )
    return details, reading.problems


def _shown(
    runtime: Runtime,
    form: Form,
    problems: Sequence[Problem] = (),
    *,
    made: MadeKey | None = None,
    cursor: str | None = None,
) -> Response:
    actor = runtime.actor
    admin = allows(actor.scopes, Scope.ADMIN)
    found = api_keys.page(runtime, cursor=cursor, limit=PAGE_SIZE) if admin else None
    return page(
        "access.html",
        422 if problems else 200,
        actor=actor,
        admin=admin,
        keys=found.items if found else (),
        next=found.next if found else None,
        cursor=cursor,
        scopes=list(Scope),
        form=form,
        problems=problems,
        wrong=by_field(problems),
        made=made,
    )
