"""Teachers: register one, try it, change its limits; a key goes in and is never shown again."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import Response
from fastapi.responses import RedirectResponse

from app.dashboard.context import RuntimeOfApp, from_our_pages, page_router
from app.dashboard.forms import Form, SentForm, all_problems, by_field
from app.dashboard.rendering import page
from app.dashboard.teacher_form import ENDPOINTS, PRICES, form_of_teacher, read_teacher
from app.domain.stored import TeacherRecord
from app.errors import Conflict, InvalidInput, Problem, TeacherFailure
from app.runtime import Runtime
from app.use_cases import teachers, watching
from app.use_cases.teachers import TeacherDetails

PAGE_SIZE = 50

router = page_router()


@router.get("/dashboard/teachers")
def teacher_list(runtime: RuntimeOfApp, cursor: str | None = None) -> Response:
    """Teachers, newest first."""
    found = teachers.page(runtime, cursor=cursor, limit=PAGE_SIZE)
    return page("teachers.html", teachers=found.items, next=found.next, cursor=cursor)


@router.get("/dashboard/teachers/new")
def new_teacher() -> Response:
    """The empty form."""
    return _form(Form({"max_concurrency": ["20"], "timeout_s": ["180"]}))


@router.post("/dashboard/teachers/new", dependencies=from_our_pages)
def add_teacher(runtime: RuntimeOfApp, form: SentForm) -> Response:
    """Register it; it is not asked anything yet."""
    fields, unread = read_teacher(form)
    try:
        if not unread:
            added = teachers.add(runtime, TeacherDetails(**fields))
            return _to(added.id)
        # Everything else that is wrong is to be told at once.
        teachers.check_details(runtime.guard, TeacherDetails(**fields))
        problems = unread
    except InvalidInput as error:
        problems = all_problems(unread, error.problems)
    except Conflict as error:
        problems = [Problem("/name", error.code, error.detail)]
    return _form(form, problems)


@router.get("/dashboard/teachers/{teacher_id}")
def one_teacher(runtime: RuntimeOfApp, teacher_id: UUID) -> Response:
    """One teacher with its limits and its gate."""
    return _shown(runtime, teachers.get(runtime, teacher_id))


@router.post("/dashboard/teachers/{teacher_id}/test", dependencies=from_our_pages)
def test_teacher(runtime: RuntimeOfApp, teacher_id: UUID) -> Response:
    """Ask it one tiny question and show what came back."""
    teacher = teachers.get(runtime, teacher_id)
    try:
        return _shown(runtime, teacher, report=teachers.check(runtime, teacher_id))
    except TeacherFailure as error:
        return _shown(runtime, teacher, failure=error)


@router.get("/dashboard/teachers/{teacher_id}/change")
def ask_for_changes(runtime: RuntimeOfApp, teacher_id: UUID) -> Response:
    """The form, filled with all but the key."""
    teacher = teachers.get(runtime, teacher_id)
    return _form(form_of_teacher(teacher), teacher=teacher)


@router.post("/dashboard/teachers/{teacher_id}/change", dependencies=from_our_pages)
def change_teacher(runtime: RuntimeOfApp, teacher_id: UUID, form: SentForm) -> Response:
    """Change it; without a new key the stored one stays."""
    fields, problems = read_teacher(form)
    try:
        if not problems:
            teachers.change(runtime, teacher_id, fields)
            return _to(teacher_id)
    except InvalidInput as error:
        problems = error.problems
    except Conflict as error:
        place = {"name_taken": "/name", "key_reentry_required": "/api_key"}
        problems = [Problem(place.get(error.code, "/base_url"), error.code, error.detail)]
    return _form(form, problems, teachers.get(runtime, teacher_id))


@router.post("/dashboard/teachers/{teacher_id}/delete", dependencies=from_our_pages)
def delete_teacher(runtime: RuntimeOfApp, teacher_id: UUID) -> Response:
    """Remove a teacher that no job uses."""
    teachers.delete(runtime, teacher_id)
    return RedirectResponse("/dashboard/teachers", status_code=303)


def _to(teacher_id: UUID) -> RedirectResponse:
    return RedirectResponse(f"/dashboard/teachers/{teacher_id}", status_code=303)


def _shown(runtime: Runtime, teacher: TeacherRecord, **tried: object) -> Response:
    gate = watching.gate(runtime, teacher.id)
    return page(
        "teacher.html",
        **{
            "report": None,
            "failure": None,
            **tried,
            "teacher": teacher,
            "gate": gate,
            "prices": PRICES,
        },
    )


def _form(
    form: Form, problems: Sequence[Problem] = (), teacher: TeacherRecord | None = None
) -> Response:
    # What was typed as a key is not sent back either.
    shown = Form({name: given for name, given in form.fields.items() if name != "api_key"})
    return page(
        "teacher_form.html",
        422 if problems else 200,
        form=shown,
        problems=problems,
        wrong=by_field(problems),
        teacher=teacher,
        endpoints=ENDPOINTS,
        prices=PRICES,
    )
