"""Seed sets and teachers by id or by name, as people call them."""

from uuid import UUID

from app.errors import Conflict, NotFound
from app.runtime import Runtime
from app.use_cases import seed_sets, teachers

_PAGE = 200


def seed_set_id(runtime: Runtime, given: str) -> UUID:
    """The id of the set; raises NotFound, or Conflict when several have that name."""
    known = _uuid(given)
    if known is not None:
        return known
    found = [each for each, name in _seed_set_names(runtime) if name == given]
    if not found:
        raise NotFound(f"There is no seed set named {given!r}.")
    if len(found) > 1:
        ids = ", ".join(map(str, found))
        raise Conflict(f"Several seed sets are named {given!r}: {ids}. Give the id.")
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


def _seed_set_names(runtime: Runtime) -> list[tuple[UUID, str]]:
    names: list[tuple[UUID, str]] = []
    cursor = None
    while True:
        page = seed_sets.page(runtime, cursor=cursor, limit=_PAGE)
        names += [(each.id, each.name) for each in page.items]
        cursor = page.next
        if cursor is None:
            return names


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
