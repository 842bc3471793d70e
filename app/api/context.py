"""What a handler is given: the runtime of this process, on behalf of whoever asks."""

from typing import Annotated

from fastapi import Depends, Request

from app.runtime import Runtime


async def _runtime(request: Request) -> Runtime:
    return request.app.state.runtime.on_behalf_of(request.scope["state"]["actor"])


RuntimeOfApp = Annotated[Runtime, Depends(_runtime)]
