"""What a handler is given: the runtime of this process."""

from typing import Annotated

from fastapi import Depends, Request

from app.runtime import Runtime


async def _runtime(request: Request) -> Runtime:
    return request.app.state.runtime


RuntimeOfApp = Annotated[Runtime, Depends(_runtime)]
