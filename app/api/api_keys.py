"""API keys over HTTP: make, list, show, rotate, revoke; a key is in one answer and never again."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.once import OnceOfRequest, tell
from app.api.paging import Cursor, Limit, PageOf, shown_page
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.domain.api_keys import ApiKey
from app.use_cases import api_keys
from app.use_cases.api_keys import KeyDetails, MadeKey

router = APIRouter(prefix="/v1/api-keys", tags=["access"], route_class=StrictRoute)

Name = Annotated[str, Field(description="whose or what for it is, at most 200 characters")]
Days = Annotated[float | None, Field(description="days until it expires; null: it does not")]
Rate = Annotated[
    int | None, Field(description="requests a minute; null: as CULTIVAR_REQUESTS_PER_MINUTE says")
]
Jobs = Annotated[int | None, Field(description="jobs it may submit in 24 hours; null: any number")]


class ApiKeyIn(BaseModel):
    """A key to make."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name
    scopes: Annotated[
        list[str],
        Field(
            description="what it allows: jobs:read, jobs:write, datasets:read, datasets:write, "
            "teachers:write, train, admin; writing includes reading, admin everything"
        ),
    ]
    expires_in_days: Days = None
    requests_per_minute: Rate = None
    jobs_per_day: Jobs = None


class RotationIn(BaseModel):
    """How a key is to be replaced."""

    model_config = ConfigDict(extra="forbid", strict=True)

    overlap_s: float = Field(default=86_400, description="seconds for which the old one goes on")


class ApiKeyOut(BaseModel):
    """A key without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    prefix: str = Field(description="its public part: the key begins with `cvr_PREFIX_`")
    name: str
    scopes: list[str]
    requests_per_minute: int | None
    jobs_per_day: int | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None = Field(description="may lie ahead, after a rotation")
    last_used_at: datetime | None = Field(description="to the minute")


class MadeKeyOut(ApiKeyOut):
    """A key with its secret, this once."""

    key: str | None = Field(description="the whole key; null when the request was a repetition")


def _shown(key: ApiKey) -> ApiKeyOut:
    return ApiKeyOut.model_validate(key)


def _made(made: MadeKey, response: Response) -> MadeKeyOut:
    response.headers["Location"] = f"{router.prefix}/{made.key.id}"
    return MadeKeyOut(**_shown(made.key).model_dump(), key=made.text or None)


@router.post(
    "", status_code=201, response_model=MadeKeyOut, responses=problems(400, 401, 403, 415, 422)
)
def create_key(
    runtime: RuntimeOfApp, body: ApiKeyIn, response: Response, once: OnceOfRequest
) -> MadeKeyOut:
    """Make a key. It is in this answer and nowhere else."""
    made = api_keys.create(runtime, KeyDetails(**body.model_dump()), once)
    tell(response, once)
    return _made(made, response)


@router.get("", response_model=PageOf[ApiKeyOut], responses=problems(401, 403, 422))
def list_keys(runtime: RuntimeOfApp, cursor: Cursor = None, limit: Limit = 50) -> PageOf[ApiKeyOut]:
    """Keys, newest first, those that have ended included."""
    return shown_page(api_keys.page(runtime, cursor=cursor, limit=limit), _shown)


@router.get("/{key_id}", response_model=ApiKeyOut, responses=problems(401, 403, 404))
def get_key(runtime: RuntimeOfApp, key_id: UUID) -> ApiKeyOut:
    """One key."""
    return _shown(api_keys.get(runtime, key_id))


@router.post(
    "/{key_id}/rotate",
    status_code=201,
    response_model=MadeKeyOut,
    responses=problems(400, 401, 403, 404, 409, 415, 422),
)
def rotate_key(
    runtime: RuntimeOfApp, key_id: UUID, response: Response, body: RotationIn | None = None
) -> MadeKeyOut:
    """A new key in place of one, which goes on for a while so that nothing stands still."""
    overlap_s = (body or RotationIn()).overlap_s
    return _made(api_keys.rotate(runtime, key_id, overlap_s=overlap_s), response)


@router.delete("/{key_id}", response_model=ApiKeyOut, responses=problems(401, 403, 404))
def revoke_key(runtime: RuntimeOfApp, key_id: UUID) -> ApiKeyOut:
    """End a key: within five seconds no process takes it any more. It stays listed."""
    return _shown(api_keys.revoke(runtime, key_id))
