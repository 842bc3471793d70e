"""What a form brought, read field by field; what cannot be read becomes a problem of its field."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from urllib.parse import parse_qs
from uuid import UUID

import orjson
from fastapi import Depends, Request

from app.errors import MalformedRequest, Problem

MAX_BYTES = 1024 * 1024
# The largest form, a new job that mixes two hundred, has some six hundred fields.
_MAX_FIELDS = 1000
_MICRO = 1_000_000
_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form by name; a field may come several times."""

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    def text(self, name: str, default: str = "") -> str:
        """The last value of a field, without white space around it."""
        found = self.fields.get(name)
        return found[-1].strip() if found else default

    def raw(self, name: str) -> str:
        """The last value as it was typed, with line ends as one character."""
        return self.fields.get(name, [""])[-1].replace("\r\n", "\n")

    def texts(self, name: str) -> Sequence[str]:
        """Every value of a field."""
        return self.fields.get(name, [])


async def _sent_form(request: Request) -> Form:
    """Raises MalformedRequest, or TooLarge for what no form of ours can be."""
    body = await request.app.state.read_body(request, MAX_BYTES)
    return Form(_fields(body))


def _fields(body: bytes) -> Mapping[str, Sequence[str]]:
    try:
        return parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except (UnicodeError, ValueError) as error:
        raise MalformedRequest("The form cannot be read.") from error


SentForm = Annotated[Form, Depends(_sent_form)]


class Reading:
    """Reads values; of what cannot be read it keeps a problem, and gives a stand-in instead.

    The words are those of the REST face for the same fault.
    """

    def __init__(self, form: Form) -> None:
        self.form = form
        self.problems: list[Problem] = []

    def refuse(self, name: str, code: str, detail: str) -> None:
        """Keep a problem of a field."""
        self.problems.append(Problem(f"/{name}", code, detail))

    def integer(self, name: str, default: int | None = None) -> int | None:
        """A whole number, or the default where the field is empty."""
        text = self.form.text(name)
        if not text:
            return default
        if _INTEGER.fullmatch(text):
            return int(text)
        self.refuse(name, "wrong_type", "must be an integer")
        return default

    def number(self, name: str, default: float) -> float:
        """A number, or the default where the field is empty."""
        text = self.form.text(name)
        if not text:
            return default
        try:
            return float(text)
        except ValueError:
            self.refuse(name, "wrong_type", "must be a number")
            return default

    def micro_usd(self, name: str) -> int | None:
        """Dollars such as 0.15 in micro-USD; None where the field is empty."""
        text = self.form.text(name).removeprefix("$")
        if not text:
            return None
        try:
            amount = Decimal(text) * _MICRO
        except InvalidOperation:
            self.refuse(name, "wrong_type", "must be an amount in US dollars such as 0.15")
            return None
        if not amount.is_finite() or amount != amount.to_integral_value():
            self.refuse(name, "wrong_type", "must have at most six digits after the point")
            return None
        return int(amount)

    def required_id(self, name: str) -> UUID:
        """An id that must be there; the stand-in is nobody's."""
        found = self.optional_id(name)
        if not self.form.text(name):
            self.refuse(name, "missing_field", "is required")
        return found or _NOBODY

    def optional_id(self, name: str) -> UUID | None:
        """An id, or None where the field is empty."""
        text = self.form.text(name)
        if not text:
            return None
        try:
            return UUID(text)
        except ValueError:
            noun = name.removesuffix("_id").replace("_", " ")
            self.refuse(name, "not_found", f"there is no such {noun}")
            return _NOBODY

    def choice(self, name: str, known: Sequence[str], default: str) -> str:
        """One of some words, or the default where the field is empty."""
        text = self.form.text(name) or default
        if text not in known:
            self.refuse(name, "wrong_type", f"must be {' or '.join(known)}")
            return default
        return text

    def json_object(self, name: str) -> dict[str, Any]:
        """A JSON object, empty where the field is."""
        text = self.form.text(name)
        if not text:
            return {}
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            self.refuse(name, "wrong_type", "must be an object")
            return {}
        return found

    def flag(self, name: str) -> bool:
        """Whether a box was ticked."""
        return bool(self.form.text(name))


def all_problems(read: Sequence[Problem], found: Sequence[Problem]) -> Sequence[Problem]:
    """Both, without what a stand-in for an unreadable field brought about."""
    places = {each.pointer for each in read}
    return [*read, *(each for each in found if each.pointer not in places)]


def by_field(problems: Sequence[Problem]) -> Mapping[str, Sequence[str]]:
    """What is wrong with each field, by its name in the form (`options/threshold`)."""
    found: dict[str, list[str]] = {}
    for each in problems:
        found.setdefault(each.pointer.lstrip("/"), []).append(each.detail)
    return found


def touched_by(wrong: Mapping[str, object]) -> frozenset[str]:
    """The fields that something is wrong with, and what they are parts of (`options`)."""
    parts = [name.split("/") for name in wrong]
    return frozenset("/".join(each[:n]) for each in parts for n in range(1, len(each) + 1))
