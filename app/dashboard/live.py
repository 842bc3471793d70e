"""The parts of pages that follow by themselves: one look for all tabs, sent when it changed."""

from typing import Annotated, Protocol

from fastapi import Depends, Request, Response
from markupsafe import Markup

from app.runtime import Runtime


class Look(Protocol):
    """Names what is looked at, by equality, and knows how to look."""

    def __hash__(self) -> int: ...

    def body(self, runtime: Runtime) -> bytes:
        """The HTML of it as it stands now, by one query."""
        ...


class Seen(Protocol):
    """What a look found."""

    @property
    def body(self) -> bytes: ...
    @property
    def etag(self) -> str: ...


class Board(Protocol):
    """Looks at most once per interval for everybody who asks this process."""

    async def read(self, key: Look) -> Seen: ...
    def poll_after_s(self) -> int: ...
    def forget(self, key: Look) -> None: ...


async def _board(request: Request) -> Board:
    return request.app.state.look_board


BoardOfApp = Annotated[Board, Depends(_board)]


async def first_sight(board: Board, look: Look) -> dict[str, object]:
    """What a whole page shows of a look, and its tag, so that the first poll finds it unchanged.

    Whoever loads a page wants it as it is now, and everybody who polls has that as well.
    """
    board.forget(look)
    seen = await board.read(look)
    return {"live": Markup(seen.body.decode()), "etag": seen.etag}  # noqa: S704 - made by templates


async def polled(request: Request, board: Board, look: Look) -> Response:
    """The part alone, or 304 when the caller has just this; Retry-After says when to come back."""
    seen = await board.read(look)
    headers = {
        "ETag": seen.etag,
        "Cache-Control": "private, no-cache",
        "Retry-After": str(board.poll_after_s()),
    }
    if request.headers.get("if-none-match") == seen.etag:
        return Response(status_code=304, headers=headers)
    return Response(seen.body, headers=headers, media_type="text/html")
