"""Verdicts as people give them: checked against the row, and added to its history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.db import reviews as queries
from app.db.engine import Connection
from app.domain.review import (
    Review,
    ReviewedRow,
    RowText,
    Verdict,
    of_turns,
    read_verdict,
    same_text,
    text_of,
    text_problems,
    unless_same,
    verdict_problems,
)
from app.errors import Problem
from app.use_cases.descriptions import description_problems


@dataclass(frozen=True, slots=True)
class Given:
    """A verdict as somebody gives it; texts that are None stay as they stand.

    `messages` are the contents of the turns of a dialogue, whose roles stay.
    """

    verdict: str
    reasons: Sequence[str] = ()
    note: str = ""
    reviewer: str | None = None
    instruction: str | None = None
    input: str | None = None
    output: str | None = None
    messages: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A verdict that was checked; `text` is what the row is to hold, None where it stays."""

    verdict: Verdict
    reasons: tuple[str, ...]
    note: str
    reviewer: str | None
    text: RowText | None


def read_given(given: Given, row: ReviewedRow) -> tuple[Wish | None, Sequence[Problem]]:
    """A verdict on a row, or everything that is wrong with it."""
    verdict = read_verdict(given.verdict)
    if verdict is None:
        detail = "must be keep, edit or drop"
        return None, [Problem("/verdict", "wrong_type", detail)]
    reasons = tuple(dict.fromkeys(given.reasons))
    problems = [*verdict_problems(verdict, reasons, given.note)]
    if given.reviewer is not None:
        problems += description_problems(reviewer=given.reviewer)
    text, misfits = _wanted_text(verdict, given, row)
    problems += misfits
    if problems:
        return None, problems
    return Wish(verdict, reasons, given.note, given.reviewer, text), ()


def _wanted_text(
    verdict: Verdict, given: Given, row: ReviewedRow
) -> tuple[RowText | None, Sequence[Problem]]:
    """What the row is to hold after the verdict, None where that is what it holds."""
    now = text_of(row.row)
    wanted, problems = _given_text(given, now)
    if problems:
        return None, problems
    if verdict is Verdict.EDITED:
        found = list(text_problems(wanted, row.made))
        return (None if same_text(wanted, now) else wanted), found
    if not (same_text(wanted, now) or same_text(wanted, row.made)):
        detail = f"texts were changed, but the verdict is {verdict}; edit the row to change them"
        return None, [Problem("/verdict", "conflicting_options", detail)]
    restored = verdict is Verdict.KEPT and not same_text(row.made, now)
    return (row.made if restored else None), ()


def _given_text(given: Given, now: RowText) -> tuple[RowText, Sequence[Problem]]:
    """The texts with what was given; a dialogue is changed by its turns alone."""
    turns = len(now.messages or ())
    if given.messages is not None and len(given.messages) != turns:
        detail = f"the row has {turns:,} turns; give the contents of each, or none"
        return now, [Problem("/messages", "wrong_type", detail)]
    told = told_text(given, now)
    if now.messages is None:
        return told, ()
    changed = now if given.messages is None else of_turns(given.messages, now)
    if given.messages is None and not same_text(told, now):
        detail = "the row is a dialogue; change its turns in messages"
        return now, [Problem("/messages", "conflicting_options", detail)]
    return changed, ()


def told_text(given: Given, now: RowText) -> RowText:
    """The texts as somebody gives them, as they stand where nothing is given."""
    turns = now.messages
    if given.messages is not None and len(given.messages) == len(now.messages or ()):
        turns = of_turns(given.messages, now).messages
    return RowText(
        unless_same(given.instruction, now.instruction),
        unless_same(given.input, now.input),
        unless_same(given.output, now.output),
        turns,
    )


def record(connection: Connection, review: Review, row: ReviewedRow, wish: Wish) -> bool:
    """Add the decision to a locked row's history, unless it was the last word already."""
    if wish.text is None and _said_before(row, wish):
        return False
    changes: Mapping[str, object] = {}
    if wish.text is not None:
        changes = {"before": text_of(row.row).as_json(), "after": wish.text.as_json()}
    values: dict[str, object] = {
        "row_id": row.row.id,
        "review_id": review.id,
        "verdict": wish.verdict,
        "reasons": list(wish.reasons),
        "note": wish.note,
        "reviewer": wish.reviewer or review.reviewer,
        **changes,
    }
    queries.decide(connection, values, wish.text)
    return True


def _said_before(row: ReviewedRow, wish: Wish) -> bool:
    """Whether this review's newest decision is the same, and the row stands by it."""
    last = row.decision
    return (
        last is not None
        and row.row.verdict == wish.verdict
        and (last.verdict, last.reasons, last.note) == (wish.verdict, wish.reasons, wish.note)
        and wish.reviewer in (None, last.reviewer)
    )
