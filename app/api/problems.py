"""What a problem report looks like (RFC 9457), and how an endpoint announces the ones it gives."""

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"
SCHEMA_NAME = "Problem"


class FoundProblem(BaseModel):
    """One thing that is wrong in a body, a query or a file."""

    pointer: str = Field(default="", description="JSON pointer to the field, or to the parameter")
    code: str = Field(description="stable name of what is wrong")
    detail: str = Field(description="how to mend it")
    page: int | None = Field(default=None, description="page of the document, from 1")
    line: int | None = Field(default=None, description="physical line of the file, from 1")
    column: int | None = Field(default=None, description="character of the line, from 1")
    excerpt: str | None = Field(default=None, description="at most 80 escaped characters")


class ProblemReport(BaseModel):
    """Why a request was not done; further members depend on the code."""

    model_config = ConfigDict(title=SCHEMA_NAME, extra="allow")

    type: str = Field(description="`/problems/` and the code, readable there")
    title: str
    status: int
    detail: str = Field(description="one sentence that says what to do")
    code: str = Field(description="stable name of the kind of problem")
    instance: str = Field(description="id of the request, as in the header X-Request-Id")
    errors: list[FoundProblem] | None = Field(default=None, description="each thing that is wrong")
    error_count: int | None = Field(default=None, description="how many lines of a file are bad")
    lines_read: int | None = None
    truncated: bool | None = Field(default=None, description="whether `errors` is cut at 100")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an endpoint that may refuse with these statuses (and any other)."""
    announced: dict[int | str, dict[str, Any]] = {
        status: _response(HTTPStatus(status).phrase) for status in sorted(statuses)
    }
    return announced | {"default": _response("Any other problem")}


def _response(description: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{SCHEMA_NAME}"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}
