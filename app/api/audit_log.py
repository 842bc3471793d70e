"""The audit log over HTTP: who did what, and whether the log is whole."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from app.api.context import RuntimeOfApp
from app.api.paging import Cursor, Limit, PageOf, shown_page
from app.api.problems import problems
from app.api.strict_route import StrictRoute
from app.domain.audit import AuditEntry, read_link
from app.errors import InvalidInput, Problem
from app.use_cases import audit

router = APIRouter(prefix="/v1/audit-log", tags=["access"], route_class=StrictRoute)


class AuditEntryOut(BaseModel):
    """Something that was done or refused."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    at: datetime
    actor_kind: str = Field(description="service, command_line, token, key or nobody")
    actor: str = Field(description="the key's public part, or the account of the command line")
    address: str = Field(description="where the request came from; empty for this machine")
    action: str
    subject: str = Field(description="the id of what it was done to")
    outcome: str = Field(description="done or refused")
    facts: dict[str, Any]


class VerdictOut(BaseModel):
    """What the check of the chain found."""

    whole: bool
    entries: int
    head: str = Field(description="`NUMBER:HASH`; note it elsewhere and give it to a later check")
    broken_at: int | None
    problem: str | None


@router.get("", response_model=PageOf[AuditEntryOut], responses=problems(401, 403, 422))
def list_entries(
    runtime: RuntimeOfApp,
    action: Annotated[str | None, Query(description="only these, such as key.create")] = None,
    actor: Annotated[str | None, Query(description="only what this one did")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> PageOf[AuditEntryOut]:
    """Entries, newest first."""
    found = audit.page(runtime, action=action, actor=actor, cursor=cursor, limit=limit)
    return shown_page(found, _shown)


@router.get("/verification", response_model=VerdictOut, responses=problems(401, 403, 422))
def verify_log(
    runtime: RuntimeOfApp,
    head: Annotated[str | None, Query(description="a head that was noted earlier")] = None,
) -> VerdictOut:
    """Walk the whole chain and say whether it holds."""
    known = None if head is None else read_link(head)
    if head is not None and known is None:
        problem = Problem("/head", "wrong_type", "must be NUMBER:HASH as an earlier check gave it")
        raise InvalidInput("The head cannot be read.", problems=[problem])
    found = audit.verify(runtime, known)
    return VerdictOut(
        whole=found.problem is None,
        entries=found.entries,
        head=str(found.head),
        broken_at=found.broken_at,
        problem=found.problem,
    )


def _shown(entry: AuditEntry) -> AuditEntryOut:
    return AuditEntryOut.model_validate(entry)
