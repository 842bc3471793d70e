"""The forms of reviews: a verdict with what was typed, and a sheet that is sent back."""

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from uuid import UUID

from app.dashboard.forms import Form
from app.dashboard.material_upload import Store
from app.domain.review import ReviewedRow, Verdict
from app.errors import InvalidInput, Problem
from app.files.review_sheet import SheetKind
from app.runtime import Runtime
from app.use_cases import review_sheets
from app.use_cases.verdicts import Given

_EDIT = ("edit", Verdict.EDITED)


def given_of(form: Form, row: ReviewedRow) -> Given:
    """The verdict of a form; its texts count where the row is to be edited alone."""
    verdict, note = form.text("verdict"), form.raw("note").strip()
    reviewer = form.text("reviewer") or None
    # Keeping is one key: what was ticked before for another verdict is no fault of the row.
    reasons = () if verdict == "keep" else tuple(form.texts("reasons"))
    if verdict not in _EDIT:
        return Given(verdict, reasons, note, reviewer)
    if row.row.messages is not None:
        turns = [form.raw(f"messages/{at}") for at in range(len(row.row.messages))]
        return Given(verdict, reasons, note, reviewer, messages=_as_they_were(turns, row))
    texts = {name: form.raw(name) for name in ("instruction", "input", "output")}
    return Given(verdict, reasons, note, reviewer, **texts)


def _as_they_were(turns: Sequence[str], row: ReviewedRow) -> Sequence[str]:
    """Turns of which none came with the form stay."""
    contents = [each["content"] for each in row.row.messages or ()]
    return turns if any(turns) else contents


def sheet_store(review_id: UUID) -> Store:
    """What takes the file of the upload form of this review."""

    def store(runtime: Runtime, form: Form, file_name: str, chunks: Iterable[bytes]) -> UUID:
        suffix = PurePath(file_name.replace("\\", "/")).suffix.lower().removeprefix(".")
        if suffix not in set(SheetKind):
            problem = Problem("/sheet", "unknown_format", "its name must end in .csv or .jsonl")
            raise InvalidInput("The sheet cannot be taken.", problems=[problem])
        return review_sheets.apply(runtime, review_id, chunks, SheetKind(suffix)).state.review.id

    return store
