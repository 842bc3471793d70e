"""Pushing exports over HTTP, to the hub and the store that the service knows and has keys for."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.files.hub_store import HubTarget
from app.files.s3_store import S3Target
from app.use_cases import pushing

router = APIRouter(prefix="/v1/exports", tags=["exports"], route_class=StrictRoute)


class HubPushIn(BaseModel):
    """To a dataset repository of the hub in `CULTIVAR_HUB_ENDPOINT`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    repo: str = Field(max_length=200, description="owner/name; made if it is missing")
    private: bool = Field(default=True, description="where it is made")
    revision: str = Field(default="main", max_length=200, description="a branch that exists")


class S3PushIn(BaseModel):
    """To a bucket of the store in `CULTIVAR_S3_ENDPOINT`, else of AWS."""

    model_config = ConfigDict(extra="forbid", strict=True)

    bucket: str = Field(max_length=200, description="a bucket that exists")
    prefix: str = Field(default="", max_length=1000, description="what the keys begin with")


class PushedFileOut(BaseModel):
    """One file as it lies there now."""

    model_config = ConfigDict(from_attributes=True)

    path: str
    size: int
    sha256: str


class PushedOut(BaseModel):
    """Where the export went."""

    model_config = ConfigDict(from_attributes=True)

    where: str = Field(description="address of the commit, or s3://bucket/prefix")
    files: list[PushedFileOut]


_FAULTS = problems(400, 404, 409, 415, 422, 502)


@router.post("/{export_id}/push/hub", response_model=PushedOut, responses=_FAULTS)
def push_to_hub(runtime: RuntimeOfApp, export_id: UUID, body: HubPushIn) -> PushedOut:
    """Commit the files of a finished export with their card; answers when they are there.

    The token is the service's own, `CULTIVAR_HUB_TOKEN`; none is taken from a request.
    """
    target = HubTarget(body.repo, body.private, body.revision)
    return PushedOut.model_validate(pushing.to_hub(runtime, export_id, target))


@router.post("/{export_id}/push/s3", response_model=PushedOut, responses=_FAULTS)
def push_to_s3(runtime: RuntimeOfApp, export_id: UUID, body: S3PushIn) -> PushedOut:
    """Upload the files of a finished export with their card; answers when they are there.

    Keys are the service's own, `AWS_ACCESS_KEY_ID` and its like; none is taken from a request.
    """
    target = S3Target(body.bucket, body.prefix)
    return PushedOut.model_validate(pushing.to_s3(runtime, export_id, target))
