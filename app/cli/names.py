"""Sets and teachers by id or by name, as people call them."""

from collections.abc import Iterator
from typing import Any, Protocol
from uuid import UUID

from app.domain.stored import Page
from app.errors import Conflict, NotFound
from app.runtime import Runtime
from app.use_cases import evaluation_sets, labelled_sets, seed_sets, teachers, template_sets

_PAGE = 200


class Named(Protocol):
    """Something with an id and a name."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...


class Listing(Protocol):
    """Pages of things by name, newest first."""

    def __call__(
        self, runtime: Runtime, *, cursor: str | None = None, limit: int = 50
    ) -> Page[Any]: ...


def seed_set_id(runtime: Runtime, given: str) -> UUID:
    """The id of the set; raises NotFound, or Conflict when several have that name."""
    return _id_of(runtime, given, seed_sets.page, "seed set")


def template_set_id(runtime: Runtime, given: str) -> UUID:
    """The id of the set; raises NotFound, or Conflict when several have that name."""
    return _id_of(runtime, given, template_sets.page, "template set")


def labelled_set_id(runtime: Runtime, given: str) -> UUID:
    """The id of the set; raises NotFound, or Conflict when several have that name."""
    return _id_of(runtime, given, labelled_sets.page, "labelled set")


def evaluation_set_id(runtime: Runtime, given: str) -> UUID:
    """The id of the set; raises NotFound, or Conflict when several have that name."""
    return _id_of(runtime, given, evaluation_sets.page, "evaluation set")


def _id_of(runtime: Runtime, given: str, listing: Listing, noun: str) -> UUID:
    known = _uuid(given)
    if known is not None:
        return known
    found = [each.id for each in _all(runtime, listing) if each.name == given]
    if not found:
        raise NotFound(f"There is no {noun} named {given!r}.")
    if len(found) > 1:
        ids = ", ".join(map(str, found))
        raise Conflict(f"Several {noun}s are named {given!r}: {ids}. Give the id.")
    return found[0]


def teacher_id(runtime: Runtime, given: str) -> UUID:
    """The id of the teacher; raises NotFound."""
    known = _uuid(given)
    if known is not None:
        return known
    found = teachers.by_name(runtime, given)
    if found is None:
        raise NotFound(f"There is no teacher named {given!r}.")
    return found.id


def _all(runtime: Runtime, listing: Listing) -> Iterator[Named]:
    cursor = None
    while True:
        page = listing(runtime, cursor=cursor, limit=_PAGE)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
