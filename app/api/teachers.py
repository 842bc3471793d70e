"""Teachers over HTTP: register, list, show, change, test, delete; a key goes in and stays in."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from app.api.context import RuntimeOfApp
from app.api.once import OnceOfRequest, tell
from app.api.paging import Cursor, Limit, PageOf, shown_page
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.domain.stored import TeacherRecord
from app.use_cases import teachers
from app.use_cases.teachers import TeacherDetails

router = APIRouter(prefix="/v1/teachers", tags=["teachers"], route_class=StrictRoute)

Price = Annotated[
    int | None,
    Field(ge=0, le=10**12, description="micro-USD per million tokens; 0 for a free teacher"),
]
BatchPrice = Annotated[
    int | None, Field(ge=0, le=10**12, description="the same for calls in batches; never guessed")
]
Name = Annotated[str, Field(description="at most 200 characters, unlike any other teacher's")]
BaseUrl = Annotated[str, Field(description="such as https://api.openai.com/v1")]
Model = Annotated[str, Field(description="the name under which the teacher knows its model")]
EndpointName = Literal["chat", "completions", "embeddings", "score"]
ApiKey = Annotated[SecretStr | None, Field(description="write-only; never shown again")]
ContextLength = Annotated[int | None, Field(ge=1, le=10**8, description="tokens")]
Concurrency = Annotated[int, Field(ge=1, le=10_000, description="calls under way at once")]
PerMinute = Annotated[int | None, Field(ge=1, le=10**7)]
TokensPerMinute = Annotated[int | None, Field(ge=1, le=2 * 10**9)]
ExtraBody = Annotated[dict[str, Any], Field(description="members added to each call's body")]
TimeoutS = Annotated[float, Field(ge=1, le=600, description="seconds for one call")]
Terms = Annotated[str, Field(max_length=2000, description="terms under which replies may be used")]


class TeacherIn(BaseModel):
    """A teacher to register: an endpoint that speaks OpenAI's protocol."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name
    base_url: BaseUrl
    model: Model
    endpoint: EndpointName = "chat"
    api_key: ApiKey = None
    input_micro_usd_per_million: Price = None
    output_micro_usd_per_million: Price = None
    batch_input_micro_usd_per_million: BatchPrice = None
    batch_output_micro_usd_per_million: BatchPrice = None
    context_length: ContextLength = None
    max_concurrency: Concurrency = 20
    requests_per_minute: PerMinute = None
    tokens_per_minute: TokensPerMinute = None
    extra_body: ExtraBody = Field(default_factory=dict[str, Any])
    timeout_s: TimeoutS = 180.0
    terms: Terms = ""
    simulated: bool = Field(default=False, description="whether its rows are made up")


class TeacherChangesIn(TeacherIn):
    """What shall be different; what is left out stays as it is."""

    name: Name = ""
    base_url: BaseUrl = ""
    model: Model = ""


class TeacherOut(BaseModel):
    """A teacher; of its key only the last four characters, and those of long keys alone."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    base_url: str
    model: str
    endpoint: str
    has_key: bool
    key_last4: str | None
    input_micro_usd_per_million: int | None
    output_micro_usd_per_million: int | None
    batch_input_micro_usd_per_million: int | None
    batch_output_micro_usd_per_million: int | None
    context_length: int | None
    max_concurrency: int
    requests_per_minute: int | None
    tokens_per_minute: int | None
    extra_body: dict[str, Any]
    timeout_s: float
    terms: str
    simulated: bool
    created_at: datetime


class TeacherCheckOut(BaseModel):
    """What a teacher that works answered to one tiny question."""

    model_config = ConfigDict(from_attributes=True)

    text: str
    finish_reason: str | None
    elapsed_s: float
    prompt_tokens: int | None
    completion_tokens: int | None
    request_id: str | None


def _shown(teacher: TeacherRecord) -> TeacherOut:
    names = TeacherOut.model_fields.keys() - {"has_key"}
    values = {name: getattr(teacher, name) for name in names}
    return TeacherOut(**values, has_key=teacher.sealed_key is not None)


def _given(body: TeacherIn) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.model_fields_set}


@router.post("", status_code=201, response_model=TeacherOut, responses=problems(400, 409, 415, 422))
def add_teacher(
    runtime: RuntimeOfApp, body: TeacherIn, response: Response, once: OnceOfRequest
) -> TeacherOut:
    """Register a teacher; it is not asked anything yet."""
    teacher = teachers.add(runtime, TeacherDetails(**_given(body)), once)
    tell(response, once)
    response.headers["Location"] = f"{router.prefix}/{teacher.id}"
    return _shown(teacher)


@router.get("", response_model=PageOf[TeacherOut], responses=problems(422))
def list_teachers(
    runtime: RuntimeOfApp, cursor: Cursor = None, limit: Limit = 50
) -> PageOf[TeacherOut]:
    """Teachers, newest first."""
    return shown_page(teachers.page(runtime, cursor=cursor, limit=limit), _shown)


@router.get("/{teacher_id}", response_model=TeacherOut, responses=problems(404))
def get_teacher(runtime: RuntimeOfApp, teacher_id: UUID) -> TeacherOut:
    """One teacher."""
    return _shown(teachers.get(runtime, teacher_id))


@router.patch(
    "/{teacher_id}", response_model=TeacherOut, responses=problems(400, 404, 409, 415, 422)
)
def change_teacher(runtime: RuntimeOfApp, teacher_id: UUID, body: TeacherChangesIn) -> TeacherOut:
    """Change a teacher; a base_url at another host needs the key again (null removes it)."""
    return _shown(teachers.change(runtime, teacher_id, _given(body)))


@router.delete(
    "/{teacher_id}", status_code=204, response_class=Response, responses=problems(404, 409)
)
def delete_teacher(runtime: RuntimeOfApp, teacher_id: UUID) -> None:
    """Remove a teacher that no job uses."""
    teachers.delete(runtime, teacher_id)


@router.post("/{teacher_id}/test", response_model=TeacherCheckOut, responses=problems(404, 422))
def check_teacher(runtime: RuntimeOfApp, teacher_id: UUID) -> TeacherCheckOut:
    """Ask the teacher one tiny question; a failure names its `stage`, from dns to reply."""
    return TeacherCheckOut.model_validate(teachers.check(runtime, teacher_id))
