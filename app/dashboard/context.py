"""What a page is given: the runtime of this process, and the check of who sent a form."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from app.dashboard.rendering import PageRoute
from app.dashboard.same_origin import check_same_origin
from app.runtime import Runtime


def _runtime(request: Request) -> Runtime:
    return request.app.state.runtime.on_behalf_of(request.scope["state"]["actor"])


RuntimeOfApp = Annotated[Runtime, Depends(_runtime)]

# Everything that changes something hangs on this: only our own pages may ask for it.
from_our_pages = [Depends(check_same_origin)]


def page_router() -> APIRouter:
    """A router whose answers are pages, failures included, and no part of the API."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)
