"""The route class of the REST face: strict about Accept, query and body before a handler runs."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.api.errors import HttpRefusal
from app.api.json_body import read_json
from app.api.media_types import JSON_TYPES, accepts
from app.api.validation import translated, unknown_name
from app.errors import InvalidInput, MalformedRequest

Handler = Callable[[Request], Awaitable[Response]]


class StrictRoute(APIRoute):
    """Answers that are not JSON name their types in `openapi_extra["x-produces"]`."""

    def get_route_handler(self) -> Any:
        handle = super().get_route_handler()
        queries = _queries(self)
        fields = queries | _body_fields(self)
        produces: Sequence[str] = (self.openapi_extra or {}).get("x-produces", ())

        async def handle_strictly(request: Request) -> Response:
            _check_accept(request, [*JSON_TYPES, *produces])
            _check_query(request, list(queries))
            if self.body_field is not None:
                required = self.body_field.field_info.is_required()
                request = await read_json(request, required=required)
            try:
                return await handle(request)
            except RequestValidationError as failure:
                raise translated(failure, fields, request.url.path) from failure

        return handle_strictly


def _queries(route: APIRoute) -> dict[str, FieldInfo]:
    return {field.alias: field.field_info for field in route.dependant.query_params}


def _body_fields(route: APIRoute) -> dict[str, FieldInfo]:
    if route.body_field is None:
        return {}
    annotation = route.body_field.field_info.annotation
    for kind in getattr(annotation, "__args__", (annotation,)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind.model_fields
    return {}


def _check_accept(request: Request, produces: Sequence[str]) -> None:
    accept = request.headers.get("accept", "*/*")
    if not accepts(accept, produces):
        detail = f"This address answers with {' or '.join(produces)}."
        raise HttpRefusal(406, detail)


def _check_query(request: Request, known: Sequence[str]) -> None:
    raw: bytes = request.scope["query_string"]
    try:
        unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedRequest("The query is not UTF-8.", code="not_utf8") from error
    given = [name for name, _ in request.query_params.multi_items()]
    problems = [
        unknown_name(f"/{name[:80]}", name, known, "parameter")
        for name in dict.fromkeys(given)
        if name not in known
    ]
    if problems:
        raise InvalidInput("The query names what this address does not know.", problems=problems)
