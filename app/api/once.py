"""The header Idempotency-Key: a request that creates may be repeated without creating twice."""

import hashlib
from typing import Annotated

import orjson
from fastapi import Depends, Header, Request, Response

from app.api.errors import HttpRefusal
from app.domain.access import Access
from app.use_cases.once import Once

_LONGEST = 255
_Given = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="a name of the caller's for this request, kept for seven days: repeated with "
        "the same body it creates nothing and answers with what was created",
    ),
]


async def _once(request: Request, key: _Given = None) -> Once | None:
    if key is None:
        if request.app.state.runtime.settings.access == Access.DEPLOYED:
            detail = "Name the request by an Idempotency-Key, so that repeating it is safe."
            raise HttpRefusal(400, detail, code="idempotency_key_required")
        return None
    if not 1 <= len(key) <= _LONGEST or not key.isprintable():
        detail = f"An Idempotency-Key has 1 to {_LONGEST} printable characters."
        raise HttpRefusal(400, detail, code="idempotency_key_invalid")
    body = orjson.dumps(await request.json(), option=orjson.OPT_SORT_KEYS)
    return Once(request.url.path, key, hashlib.sha256(body).digest())


OnceOfRequest = Annotated[Once | None, Depends(_once)]


def tell(response: Response, once: Once | None) -> None:
    """Say in the answer that the request was a repetition."""
    if once is not None and once.replayed:
        response.headers["Idempotent-Replayed"] = "true"
