"""Pages of a list: `{"items": [...], "next": cursor or null}`, asked for by limit and cursor."""

from collections.abc import Callable
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from app.domain.stored import Page

MAX_LIMIT = 500
Item = TypeVar("Item")
Shown = TypeVar("Shown", bound=BaseModel)

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="items of one page")]
Cursor = Annotated[
    str | None,
    Query(description="`next` of the page before; absent for the first"),
]


class PageOf(BaseModel, Generic[Shown]):
    """One page of a list."""

    items: list[Shown]
    next: str | None = Field(description="the cursor of the next page; null on the last")


def shown_page(page: Page[Item], show: Callable[[Item], Shown]) -> PageOf[Shown]:
    """A page of values as a page of what is shown of them."""
    return PageOf(items=[show(each) for each in page.items], next=page.next)
